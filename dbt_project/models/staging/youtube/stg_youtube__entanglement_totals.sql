with totals as (

    select * from {{ ref('stg_youtube__totals') }}

),

days_with_subscribers as (

    select
        reported_date,
        subscribers_gained,
        subscribers_lost,
        subscribers_net,
        is_provisional,
        row_number() over (
            partition by reported_date
            order by export_rank desc nulls last, _source_row_number desc nulls last
        ) as export_recency
    from totals
    where coalesce(subscribers_gained, subscribers_lost, subscribers_net) is not null

),

final as (

    select
        cast('youtube' as string) as platform_id,
        cast('(this account)' as string) as account_id,
        cast(reported_date as date) as entanglement_date,
        cast(subscribers_gained as bigint) as started_count,
        cast(abs(subscribers_lost) as bigint) as withdrawn_count,
        cast(subscribers_net as bigint) as net_count,
        cast(is_provisional as boolean) as is_provisional
    from days_with_subscribers
    where export_recency = 1

)

select * from final
