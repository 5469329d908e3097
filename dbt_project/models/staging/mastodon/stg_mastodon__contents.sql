with outbox_activities as (

    select * from {{ ref('stg_mastodon__outbox_activities') }}

),

notifications as (

    select * from {{ ref('stg_mastodon__notifications') }}

),

contents_by_source as (

    select
        case when activity_type = 'Announce' then activity_id else object_uri end as content_id,
        account_id,
        case
            when activity_type = 'Announce' then 'repost'
            when visibility = 'direct' then 'message'
            when quoted_uri is not null then 'quote'
            when in_reply_to_uri is not null then 'reply'
            else 'post'
        end as content_kind,
        case when activity_type = 'Announce' then activity_id else object_url end as content_url,
        published_at,
        exported_at,
        1 as source_rank,
        activity_id as tie_breaker
    from outbox_activities
    where activity_type in ('Create', 'Announce')

    union all

    select
        own_status_uri as content_id,
        account_id,
        own_status_kind as content_kind,
        own_status_url as content_url,
        own_status_published_at as published_at,
        exported_at,
        2 as source_rank,
        notification_key as tie_breaker
    from notifications
    where own_status_uri is not null

),

ranked_contents as (

    select
        *,
        row_number() over (
            partition by content_id
            order by
                exported_at desc nulls last,
                source_rank asc nulls last,
                tie_breaker asc nulls last
        ) as content_rank
    from contents_by_source

),

final as (

    select
        'mastodon' as platform_id,
        content_id,
        account_id,
        content_kind,
        content_url,
        published_at
    from ranked_contents
    where content_rank = 1

)

select * from final
