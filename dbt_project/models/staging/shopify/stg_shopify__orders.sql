with order_lines as (

    select * from {{ ref('stg_shopify__order_lines') }}

),

-- The row that carries the order's own cells is its first one, unless the file was sorted by hand.
rows_by_position as (

    select
        *,
        row_number() over (
            partition by order_id
            order by
                case when financial_status is null then 1 else 0 end asc nulls last,
                line_number asc nulls last
        ) as row_position
    from order_lines

),

final as (

    select
        order_id,
        order_name,
        email_hash,
        region_code,
        financial_status,
        currency_code,
        discount_codes,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        click_id_name,
        survey_answer,
        {{ regexp_group('payment_references', '^([^ ,+]+)') }} as payment_reference,
        total_amount,
        case
            when financial_status = 'refunded' then total_amount
            else coalesce(refunded_amount, 0)
        end as refunded_amount,
        financial_status in ('paid', 'partially_refunded', 'refunded') as has_succeeded,
        coalesce(created_at, paid_at, exported_at) as ordered_at,
        cancelled_at,
        refund_first_seen_at,
        _load_id,
        _source_row_number
    from rows_by_position
    where row_position = 1

)

select * from final
