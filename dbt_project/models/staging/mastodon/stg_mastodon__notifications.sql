with notifications as (

    select * from {{ source('mastodon', 'notifications') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

latest_notifications as (

    select
        notifications.*,
        loads.exported_at,
        {{ later_export_wins(['notification_id', 'created_at', 'account_id']) }} as export_recency
    from notifications
    inner join loads on notifications._load_id = loads.load_id

),

-- Which status is the brand's own depends on the type: what was favourited, boosted or quoted.
notifications_with_own_status as (

    select
        {{ surrogate_key(['notification_id', 'created_at', 'account_id']) }} as notification_key,
        notification_id,
        notification_type,
        {{ mastodon_account('account_url', 'account_handle') }} as sender_account_id,
        case
            when notification_type in ('favourite', 'reblog')
                then {{ mastodon_account('status_account_url', 'status_account_handle') }}
            when notification_type = 'quote'
                then {{ mastodon_account('quoted_account_url', 'quoted_account_handle') }}
            when notification_type = 'mention' and second_mentioned_handle is null
                then {{ mastodon_account('mentioned_url', 'mentioned_handle') }}
        end as shown_account_id,
        case
            when notification_type in ('favourite', 'reblog') then status_uri
            when notification_type = 'quote' then quoted_status_uri
        end as own_status_uri,
        case
            when notification_type in ('favourite', 'reblog') then status_url
            when notification_type = 'quote' then quoted_status_url
        end as own_status_url,
        case
            when notification_type in ('favourite', 'reblog')
                then case
                    when status_visibility = 'direct' then 'message'
                    when quoted_status_uri is not null then 'quote'
                    when status_in_reply_to_id is not null then 'reply'
                    else 'post'
                end
            when notification_type = 'quote'
                then case when quoted_status_in_reply_to_id is null then 'post' else 'reply' end
        end as own_status_kind,
        case
            when notification_type = 'mention' then status_in_reply_to_id
        end as answered_status_number,
        coalesce(account_is_bot = 'true', false) as is_sender_bot,
        case
            when notification_type in ('favourite', 'reblog')
                then {{ utc_time('mastodon', 'notifications', 'status_created_at') }}
            when notification_type = 'quote'
                then {{ utc_time('mastodon', 'notifications', 'quoted_status_created_at') }}
        end as own_status_published_at,
        {{ utc_time('mastodon', 'notifications', 'created_at') }} as notified_at,
        exported_at,
        _load_id,
        _source_row_number
    from latest_notifications
    where export_recency = 1

),

-- The API answers one account, so what one notification of a file shows holds for all of them.
addressed_notifications as (

    select
        *,
        coalesce(shown_account_id, max(shown_account_id) over (partition by _load_id)) as account_id
    from notifications_with_own_status

),

final as (

    select
        notification_key,
        notification_id,
        notification_type,
        account_id,
        sender_account_id,
        own_status_uri,
        own_status_url,
        own_status_kind,
        answered_status_number,
        is_sender_bot,
        own_status_published_at,
        notified_at,
        exported_at,
        _load_id,
        _source_row_number
    from addressed_notifications

)

select * from final
