with notifications as (

    select * from {{ ref('stg_mastodon__notifications') }}

),

own_accounts as (

    select * from {{ ref('stg_mastodon__own_accounts') }}

),

-- The end of a follow is never notified.
final as (

    select
        'mastodon' as platform_id,
        coalesce(notifications.account_id, own_accounts.account_id) as account_id,
        'mastodon_account' as identifier_type,
        notifications.sender_account_id as identifier_value,
        cast(null as {{ dbt.type_string() }}) as spell_id,
        'started' as entanglement_event,
        notifications.notified_at as occurred_at,
        'reported' as known_as,
        notifications._load_id
    from notifications
    left join own_accounts on own_accounts.is_only_account
    where notifications.notification_type = 'follow'

)

select * from final
