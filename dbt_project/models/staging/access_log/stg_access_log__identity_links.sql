{{ config(materialized='replaced') }}
with requests as (

    select * from {{ ref('stg_access_log__requests') }}

),

final as (

    select
        cast('site_visitor' as string) as identifier_type,
        cast(visitor_hash as string) as identifier_value,
        cast('shopify_order' as string) as other_identifier_type,
        cast(order_name as string) as other_identifier_value,
        cast('order_page' as string) as link_reason,
        cast(min(requested_at) as timestamp) as linked_at
    from requests
    where
        is_page and not is_bot and order_name is not null and {{ within('order', 'order_name') }}
    group by visitor_hash, order_name

)

select * from final
