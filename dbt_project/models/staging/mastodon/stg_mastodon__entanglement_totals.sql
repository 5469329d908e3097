with notification_groups as (

    select * from {{ ref('stg_mastodon__notification_groups') }}

),

-- A group is dated by its newest event: follows shortly before midnight can count for the next day.
final as (

    select
        'mastodon' as platform_id,
        account_id,
        {{ reporting_date('latest_notified_at') }} as entanglement_date,
        cast(sum(notification_count) as bigint) as started_count,
        cast(null as bigint) as withdrawn_count,
        cast(null as bigint) as net_count,
        true as is_provisional
    from notification_groups
    where notification_type = 'follow'
    group by account_id, {{ reporting_date('latest_notified_at') }}

)

select * from final
