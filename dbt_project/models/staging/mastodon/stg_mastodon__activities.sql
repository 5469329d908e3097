with notifications as (

    select * from {{ ref('stg_mastodon__notifications') }}

),

notification_groups as (

    select * from {{ ref('stg_mastodon__notification_groups') }}

),

outbox_activities as (

    select * from {{ ref('stg_mastodon__outbox_activities') }}

),

own_statuses as (

    select * from {{ ref('stg_mastodon__own_statuses') }}

),

own_accounts as (

    select * from {{ ref('stg_mastodon__own_accounts') }}

),

received_by_person as (

    select
        notifications.notification_type as native_event,
        notifications.notification_key as activity_id,
        coalesce(
            notifications.account_id,
            own_statuses.account_id,
            own_accounts.account_id
        ) as account_id,
        coalesce(notifications.own_status_uri, own_statuses.content_id) as content_id,
        notifications.sender_account_id as person_account_id,
        1 as activity_count,
        'person' as known_as,
        'event' as count_basis,
        true as is_incoming,
        notifications.notified_at as occurred_at,
        false as is_provisional
    from notifications
    left join own_statuses on notifications.answered_status_number = own_statuses.status_number
    left join own_accounts on own_accounts.is_only_account
    where notifications.notification_type in ('favourite', 'reblog', 'mention', 'quote')

),

received_in_groups as (

    select
        notification_type as native_event,
        notification_group_key as activity_id,
        account_id,
        content_id,
        cast(null as {{ dbt.type_string() }}) as person_account_id,
        notification_count as activity_count,
        'total' as known_as,
        'day' as count_basis,
        true as is_incoming,
        latest_notified_at as occurred_at,
        true as is_provisional
    from notification_groups
    where notification_type in ('favourite', 'reblog', 'mention', 'quote')

),

received_in_lifetime as (

    select
        'favourite' as native_event,
        object_uri as activity_id,
        account_id,
        object_uri as content_id,
        cast(null as {{ dbt.type_string() }}) as person_account_id,
        likes_count as activity_count,
        'total' as known_as,
        'lifetime' as count_basis,
        true as is_incoming,
        exported_at as occurred_at,
        true as is_provisional
    from outbox_activities
    where activity_type = 'Create' and likes_count is not null

    union all

    select
        'reblog' as native_event,
        object_uri as activity_id,
        account_id,
        object_uri as content_id,
        cast(null as {{ dbt.type_string() }}) as person_account_id,
        shares_count as activity_count,
        'total' as known_as,
        'lifetime' as count_basis,
        true as is_incoming,
        exported_at as occurred_at,
        true as is_provisional
    from outbox_activities
    where activity_type = 'Create' and shares_count is not null

),

-- The content is the brand's own act. Boosting or answering oneself is no act upon others.
done_by_the_brand as (

    select
        case when activity_type = 'Announce' then 'reblog' else 'reply' end as native_event,
        activity_id,
        account_id,
        case when activity_type = 'Announce' then activity_id else object_uri end as content_id,
        target_account_id as person_account_id,
        1 as activity_count,
        'person' as known_as,
        'event' as count_basis,
        false as is_incoming,
        published_at as occurred_at,
        false as is_provisional
    from outbox_activities
    where
        (activity_type = 'Announce' or (activity_type = 'Create' and in_reply_to_uri is not null))
        and coalesce(target_account_id <> account_id, true)

),

all_activities as (

    select * from received_by_person

    union all

    select * from received_in_groups

    union all

    select * from received_in_lifetime

    union all

    select * from done_by_the_brand

),

final as (

    select
        'mastodon' as platform_id,
        native_event,
        activity_id,
        account_id,
        content_id,
        case when person_account_id is not null then 'mastodon_account' end as identifier_type,
        person_account_id as identifier_value,
        cast(activity_count as bigint) as activity_count,
        known_as,
        count_basis,
        is_incoming,
        occurred_at,
        is_provisional
    from all_activities

)

select * from final
