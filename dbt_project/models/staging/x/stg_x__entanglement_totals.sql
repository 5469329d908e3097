with overview as (

    select * from {{ ref('stg_x__analytics_overview') }}

),

final as (

    select
        cast('x' as string) as platform_id,
        cast(account_id as string) as account_id,
        cast(reported_date as date) as entanglement_date,
        cast(new_follows as bigint) as started_count,
        cast(unfollows as bigint) as withdrawn_count,
        cast(null as bigint) as net_count,
        cast(is_provisional as boolean) as is_provisional
    from overview
    where new_follows is not null or unfollows is not null

)

select * from final
