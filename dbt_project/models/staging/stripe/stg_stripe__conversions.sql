with payments as (

    select * from {{ ref('stg_stripe__payments') }}

),

succeeded_payments as (

    select
        *,
        refunded_amount + lost_amount as reversed_amount,
        least(refunded_at, lost_at) as reported_reversal_at
    from payments
    where has_succeeded

),

final as (

    select
        cast('stripe' as string) as platform_id,
        cast(payment_id as string) as conversion_id,
        cast('payment' as string) as conversion_kind,
        cast(
            case
                when email_hash is not null then 'email'
                when customer_id is not null then 'stripe_customer'
            end as string
        ) as identifier_type,
        cast(coalesce(email_hash, customer_id) as string) as identifier_value,
        cast(region_code as string) as region_code,
        cast(payment_amount as decimal(18, 2)) as gross_amount,
        cast(currency_code as string) as currency_code,
        cast(reversed_amount as decimal(18, 2)) as reversed_amount,
        reversed_amount > 0 and reversed_amount >= payment_amount as is_fully_reversed,
        cast(coalesce(payment_intent_id, payment_id) as string) as payment_reference,
        cast(created_at as timestamp) as converted_at,
        cast(
            case
                when reversed_amount > 0
                    then coalesce(reported_reversal_at, reversal_first_seen_at)
            end as timestamp
        ) as reversed_at,
        cast(
            case
                when reversed_amount > 0 and reported_reversal_at is not null then 'reported'
                when reversed_amount > 0 then 'first_seen'
            end as string
        ) as reversal_known_as
    from succeeded_payments

)

select * from final
