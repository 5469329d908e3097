with payments as (

    select * from {{ ref('stg_stripe__payments') }}

),

final as (

    select
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast('stripe_customer' as string) as other_identifier_type,
        cast(customer_id as string) as other_identifier_value,
        cast('same_payment' as string) as link_reason,
        cast(min(created_at) as timestamp) as linked_at
    from payments
    where email_hash is not null and customer_id is not null
    group by email_hash, customer_id

)

select * from final
