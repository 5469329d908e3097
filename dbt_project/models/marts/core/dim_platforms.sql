with platforms as (

    select * from {{ ref('platforms') }}

),

final as (

    select
        platform_id,
        platform_name,
        platform_kind
    from platforms

)

select * from final
