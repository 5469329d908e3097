with notification_groups as (

    select * from {{ source('mastodon', 'notification_groups') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

own_statuses as (

    select * from {{ ref('stg_mastodon__own_statuses') }}

),

own_accounts as (

    select * from {{ ref('stg_mastodon__own_accounts') }}

),

groups_with_status as (

    select
        notification_groups.group_key,
        notification_groups.notification_type,
        own_statuses.content_id,
        own_statuses.account_id as shown_account_id,
        try_cast(notification_groups.notifications_count as bigint) as notification_count,
        {{ utc_time('mastodon', 'notification_groups', 'latest_page_notification_at') }}
            as latest_notified_at,
        notification_groups._load_id,
        notification_groups._source_row_number
    from notification_groups
    left join own_statuses on notification_groups.status_id = own_statuses.status_number

),

-- As with notifications: one file is one account's, and where the brand has one account it is that.
addressed_groups as (

    select
        groups_with_status.group_key,
        groups_with_status.notification_type,
        groups_with_status.content_id,
        groups_with_status.notification_count,
        groups_with_status.latest_notified_at,
        groups_with_status._load_id,
        groups_with_status._source_row_number,
        coalesce(
            groups_with_status.shown_account_id,
            max(groups_with_status.shown_account_id)
                over (partition by groups_with_status._load_id),
            own_accounts.account_id
        ) as account_id
    from groups_with_status
    left join own_accounts on own_accounts.is_only_account

),

-- A group of follows is named after its hour alone, so two accounts can have groups of one name.
ranked_groups as (

    select
        addressed_groups.*,
        loads.exported_at,
        {{ later_export_wins(['account_id', 'group_key']) }} as export_recency
    from addressed_groups
    inner join loads on addressed_groups._load_id = loads.load_id

),

final as (

    select
        {{ surrogate_key(['account_id', 'group_key']) }} as notification_group_key,
        group_key,
        notification_type,
        account_id,
        content_id,
        notification_count,
        latest_notified_at,
        exported_at,
        _load_id,
        _source_row_number
    from ranked_groups
    where export_recency = 1

)

select * from final
