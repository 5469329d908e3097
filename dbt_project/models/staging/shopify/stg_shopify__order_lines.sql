with orders as (

    select * from {{ source('shopify', 'orders') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

rows_typed as (

    select
        orders._load_id,
        orders._source_row_number,
        {{ regexp_group("replace(trim(orders.order_id), chr(39), '')", '^([0-9]+)$') }}
            as whole_order_id,
        {{ shop_order_name('orders.order_name') }} as order_name,
        {{ person_hash('orders.email') }} as email_hash,
        coalesce(
            {{ region_code('orders.shipping_country', 'orders.shipping_province') }},
            {{ region_code('orders.billing_country', 'orders.billing_province') }}
        ) as region_code,
        lower(replace(nullif(trim(orders.financial_status), ''), ' ', '_')) as financial_status,
        upper(nullif(trim(orders.currency), '')) as currency_code,
        nullif(trim(orders.discount_code), '') as discount_codes,
        {{ without_address(noted_value('orders.note_attributes', 'utm_source')) }}
            as utm_source,
        {{ without_address(noted_value('orders.note_attributes', 'utm_medium')) }}
            as utm_medium,
        {{ without_address(noted_value('orders.note_attributes', 'utm_campaign')) }}
            as utm_campaign,
        {{ url_host(noted_value('orders.note_attributes', '(?:referrer|referring[ _-]site)')) }}
            as referrer_host,
        {{ regexp_group(
            'orders.note_attributes', '(?im)^[ ]*(' ~ click_id_names() ~ ')[ ]*:[ ]*[^ ]'
        ) }} as click_id_name,
        {{ without_address(noted_value(
            'orders.note_attributes', 'how[ _-]did[ _-]you[ _-](?:first[ _-])?(?:hear|find)[^:]*'
        )) }} as survey_answer,
        coalesce(
            nullif(trim(orders.payment_references), ''),
            nullif(trim(orders.payment_reference), ''),
            nullif(trim(orders.payment_id), '')
        ) as payment_references,
        nullif(trim(orders.lineitem_name), '') as lineitem_name,
        nullif(trim(orders.lineitem_sku), '') as lineitem_sku,
        cast({{ try_number('orders.lineitem_quantity') }} as bigint) as lineitem_count,
        {{ try_decimal('orders.lineitem_price') }} as lineitem_unit_amount,
        {{ try_decimal('orders.total') }} as total_amount,
        {{ try_decimal('orders.refunded_amount') }} as refunded_amount,
        {{ utc_time('shopify', 'orders', 'created_at', 'orders') }} as created_at,
        {{ utc_time('shopify', 'orders', 'paid_at', 'orders') }} as paid_at,
        {{ utc_time('shopify', 'orders', 'cancelled_at', 'orders') }} as cancelled_at
    from orders
    cross join identity_keys

),

orders_in_exports as (

    select
        _load_id,
        order_name,
        max(whole_order_id) as whole_order_id,
        max(
            case
                when refunded_amount > 0 then 1
                when financial_status in ('refunded', 'partially_refunded') then 1
                else 0
            end
        ) as refund_mark
    from rows_typed
    group by _load_id, order_name

),

ids_by_name as (

    select
        order_name,
        max(whole_order_id) as whole_order_id
    from orders_in_exports
    group by order_name
    having count(distinct whole_order_id) = 1

),

-- Excel destroys ids (5.27763E+12). The order is then known by its name: under the id that another
-- export gives for it, unless two shops use the same name.
orders_identified as (

    select
        orders_in_exports._load_id,
        orders_in_exports.order_name,
        orders_in_exports.refund_mark,
        coalesce(
            orders_in_exports.whole_order_id,
            ids_by_name.whole_order_id,
            orders_in_exports.order_name
        ) as order_id
    from orders_in_exports
    left join ids_by_name
        on orders_in_exports.order_name = ids_by_name.order_name

),

-- All lines of an order come from one export: a line has no key to replace it by.
orders_by_recency as (

    select
        orders_identified._load_id,
        orders_identified.order_name,
        orders_identified.order_id,
        loads.exported_at,
        min(case when orders_identified.refund_mark = 1 then loads.exported_at end)
            over (partition by orders_identified.order_id) as refund_first_seen_at,
        row_number() over (
            partition by orders_identified.order_id
            order by loads.export_rank desc nulls last, orders_identified.order_name asc nulls last
        ) as export_recency
    from orders_identified
    inner join loads
        on orders_identified._load_id = loads.load_id

),

final as (

    select
        orders_by_recency.order_id,
        row_number() over (
            partition by orders_by_recency.order_id
            order by rows_typed._source_row_number asc nulls last
        ) as line_number,
        rows_typed.order_name,
        rows_typed.email_hash,
        rows_typed.region_code,
        rows_typed.financial_status,
        rows_typed.currency_code,
        rows_typed.discount_codes,
        rows_typed.utm_source,
        rows_typed.utm_medium,
        rows_typed.utm_campaign,
        rows_typed.referrer_host,
        rows_typed.click_id_name,
        rows_typed.survey_answer,
        rows_typed.payment_references,
        rows_typed.lineitem_name,
        rows_typed.lineitem_sku,
        rows_typed.lineitem_count,
        rows_typed.lineitem_unit_amount,
        rows_typed.total_amount,
        rows_typed.refunded_amount,
        rows_typed.created_at,
        rows_typed.paid_at,
        rows_typed.cancelled_at,
        orders_by_recency.refund_first_seen_at,
        orders_by_recency.exported_at,
        rows_typed._load_id,
        rows_typed._source_row_number
    from rows_typed
    inner join orders_by_recency
        on
            rows_typed._load_id = orders_by_recency._load_id
            and rows_typed.order_name = orders_by_recency.order_name
    where orders_by_recency.export_recency = 1

)

select * from final
