with outbox_activities as (

    select * from {{ source('mastodon', 'outbox_activities') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

latest_activities as (

    select
        outbox_activities.*,
        case
            when outbox_activities.activity_type = 'Announce' then outbox_activities.object_uri
            else outbox_activities.in_reply_to_uri
        end as target_uri,
        loads.exported_at,
        {{ later_export_wins(['activity_id']) }} as export_recency
    from outbox_activities
    inner join loads on outbox_activities._load_id = loads.load_id

),

activities_with_accounts as (

    select
        activity_id,
        activity_type,
        actor_url,
        {{ mastodon_account('actor_url') }} as named_account_id,
        case
            when activity_type = 'Create' then {{ mastodon_account('object_url') }}
        end as author_account_id,
        object_uri,
        object_type,
        nullif(trim(object_url), '') as object_url,
        in_reply_to_uri,
        quoted_uri,
        {{ mastodon_account('target_uri') }} as target_account_id,
        case
            when first_tag_type = 'Mention' and in_reply_to_uri like first_tag_url || '/%'
                then {{ mastodon_account('first_tag_url', 'substr(first_tag_text, 2)') }}
        end as mentioned_target_account_id,
        {{ regexp_group('target_uri', '^(https?://[^/]+/ap/users/[0-9]+)') }} as target_url,
        case
            when addressees like '%#Public"%' or addressees like '%"as:Public"%' then 'public'
            when copied_addressees like '%#Public"%' then 'unlisted'
            when copied_addressees like '%"as:Public"%' then 'unlisted'
            when addressees like '%/followers"%' then 'followers'
            when copied_addressees like '%/followers"%' then 'followers'
            else 'direct'
        end as visibility,
        try_cast(object_likes_count as bigint) as likes_count,
        try_cast(object_shares_count as bigint) as shares_count,
        {{ utc_time('mastodon', 'outbox_activities', 'published') }} as published_at,
        exported_at,
        _load_id,
        _source_row_number
    from latest_activities
    where export_recency = 1

),

-- Accounts made since 2026 have a number in their URLs: any status of theirs shows the name.
final as (

    select
        activity_id,
        activity_type,
        coalesce(
            named_account_id,
            max(author_account_id) over (partition by actor_url),
            actor_url
        ) as account_id,
        object_uri,
        object_type,
        object_url,
        in_reply_to_uri,
        quoted_uri,
        coalesce(target_account_id, mentioned_target_account_id, target_url) as target_account_id,
        visibility,
        likes_count,
        shares_count,
        published_at,
        exported_at,
        _load_id,
        _source_row_number
    from activities_with_accounts

)

select * from final
