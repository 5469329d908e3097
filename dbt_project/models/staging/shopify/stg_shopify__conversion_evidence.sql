with orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

succeeded_orders as (

    select
        order_id,
        discount_codes,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        click_id_name,
        survey_answer,
        ordered_at
    from orders
    where has_succeeded

),

-- An order takes at most five product or order codes and one for shipping.
code_positions as (

    {% for position in range(1, 7) -%}
    select {{ position }} as code_position
    {{- ' union all' if not loop.last }}
    {% endfor %}

),

codes_split as (

    select
        succeeded_orders.order_id,
        code_positions.code_position,
        nullif(
            trim(split_part(succeeded_orders.discount_codes, ',', code_positions.code_position)), ''
        ) as coupon_code,
        succeeded_orders.ordered_at
    from succeeded_orders
    cross join code_positions

),

-- `Custom discount` is what Shopify writes when the merchant lowers a price by hand.
coupons as (

    select
        order_id,
        concat('coupon:', cast(code_position as string)) as evidence_id,
        'coupon' as evidence_type,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        cast(null as string) as referrer_host,
        coupon_code as evidence_text,
        ordered_at
    from codes_split
    where coupon_code is not null and lower(coupon_code) <> 'custom discount'

),

-- What the theme or an app wrote into the order's note.
notes as (

    select
        order_id,
        'utm' as evidence_type,
        utm_source,
        utm_medium,
        utm_campaign,
        cast(null as string) as referrer_host,
        cast(null as string) as evidence_text,
        ordered_at
    from succeeded_orders
    where coalesce(utm_source, utm_medium, utm_campaign) is not null
    union all
    select
        order_id,
        'click_id' as evidence_type,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        cast(null as string) as referrer_host,
        click_id_name as evidence_text,
        ordered_at
    from succeeded_orders
    where click_id_name is not null
    union all
    select
        order_id,
        'referrer' as evidence_type,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        referrer_host,
        cast(null as string) as evidence_text,
        ordered_at
    from succeeded_orders
    where referrer_host is not null
    union all
    select
        order_id,
        'self_report' as evidence_type,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        cast(null as string) as referrer_host,
        survey_answer as evidence_text,
        ordered_at
    from succeeded_orders
    where survey_answer is not null

),

evidence as (

    select
        order_id,
        evidence_id,
        evidence_type,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        evidence_text,
        ordered_at
    from coupons
    union all
    select
        order_id,
        evidence_type as evidence_id,
        evidence_type,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        evidence_text,
        ordered_at
    from notes

),

final as (

    select
        cast('shopify' as string) as platform_id,
        cast(order_id as string) as conversion_id,
        cast(evidence_id as string) as evidence_id,
        cast(evidence_type as string) as evidence_type,
        cast(utm_source as string) as utm_source,
        cast(utm_medium as string) as utm_medium,
        cast(utm_campaign as string) as utm_campaign,
        cast(referrer_host as string) as referrer_host,
        cast(evidence_text as string) as evidence_text,
        cast(ordered_at as timestamp) as evidence_at
    from evidence

)

select * from final
