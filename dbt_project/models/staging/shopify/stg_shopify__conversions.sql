with orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

-- An order that was paid for and then cancelled was a conversion, and all of it is taken back.
succeeded_orders as (

    select
        order_id,
        order_name,
        email_hash,
        region_code,
        currency_code,
        payment_reference,
        total_amount,
        case
            when cancelled_at is not null then total_amount
            else refunded_amount
        end as reversed_amount,
        ordered_at,
        cancelled_at,
        coalesce(cancelled_at, refund_first_seen_at) as reversed_at
    from orders
    where has_succeeded

),

final as (

    select
        cast('shopify' as string) as platform_id,
        cast(order_id as string) as conversion_id,
        cast('order' as string) as conversion_kind,
        -- An order without an address may still be tied to a visitor by its confirmation page.
        cast(
            case when email_hash is not null then 'email' else 'shopify_order' end as string
        ) as identifier_type,
        cast(coalesce(email_hash, order_name) as string) as identifier_value,
        cast(region_code as string) as region_code,
        cast(total_amount as decimal(18, 2)) as gross_amount,
        cast(currency_code as string) as currency_code,
        cast(reversed_amount as decimal(18, 2)) as reversed_amount,
        cancelled_at is not null
        or (reversed_amount > 0 and reversed_amount >= total_amount) as is_fully_reversed,
        cast(payment_reference as string) as payment_reference,
        cast(ordered_at as timestamp) as converted_at,
        cast(reversed_at as timestamp) as reversed_at,
        cast(
            case
                when cancelled_at is not null then 'reported'
                when reversed_amount > 0 then 'first_seen'
            end as string
        ) as reversal_known_as
    from succeeded_orders

)

select * from final
