with orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

final as (

    select
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast('shopify_order' as string) as other_identifier_type,
        cast(order_name as string) as other_identifier_value,
        cast('same_order' as string) as link_reason,
        cast(min(ordered_at) as timestamp) as linked_at
    from orders
    where email_hash is not null
    group by email_hash, order_name

)

select * from final
