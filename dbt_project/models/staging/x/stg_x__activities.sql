{%- set archive_counts = [('like', 'like_count'), ('repost', 'repost_count')] -%}
{%- set analytics_counts = archive_counts + [
    ('reply', 'reply_count'), ('bookmark', 'bookmark_count'), ('share', 'share_count'),
] -%}

with posts as (

    select * from {{ ref('stg_x__posts') }}

),

messages as (

    select * from {{ ref('stg_x__direct_messages') }}

),

analytics_contents as (

    select * from {{ ref('stg_x__analytics_content') }}

),

overview as (

    select * from {{ ref('stg_x__analytics_overview') }}

),

contents as (

    select * from {{ ref('stg_x__contents') }}

),

-- Counters on a repost are its author's, so they are none of the brand's.
lifetime_counts as (
    {% for native_event, column in archive_counts %}
    select
        '{{ native_event }}' as native_event,
        post_id,
        {{ column }} as activity_count,
        exported_at,
        'archive' as known_from
    from posts
    where post_kind <> 'repost' and {{ column }} is not null

    union all
    {% endfor %}
    {%- for native_event, column in analytics_counts %}
    select
        '{{ native_event }}' as native_event,
        post_id,
        {{ column }} as activity_count,
        exported_at,
        'analytics' as known_from
    from analytics_contents
    where {{ column }} is not null
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

ranked_lifetime_counts as (

    select
        lifetime_counts.*,
        contents.account_id,
        row_number() over (
            partition by lifetime_counts.native_event, lifetime_counts.post_id
            order by
                lifetime_counts.exported_at desc nulls last,
                lifetime_counts.known_from asc nulls last
        ) as export_recency
    from lifetime_counts
    inner join contents on lifetime_counts.post_id = contents.content_id

),

-- Midday: it is the same day in every reporting zone less than twelve hours away.
day_counts as (
    {% for native_event, column in analytics_counts %}
    select
        '{{ native_event }}' as native_event,
        account_id,
        reported_date,
        {{ column }} as activity_count,
        is_provisional,
        day_started_at + interval 12 hour as day_middle_at
    from overview
    where {{ column }} is not null
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

-- Without the own account's id nobody knows which way a message went; it stays in the 1:1 model.
directed_messages as (

    select
        *,
        recipient_account_id = account_id as is_incoming
    from messages
    where account_id in (sender_account_id, recipient_account_id)

),

-- An answer to oneself continues a thread.
own_acts as (

    select
        post_kind as native_event,
        post_id,
        account_id,
        posted_at
    from posts
    where
        post_kind = 'repost'
        or (post_kind = 'reply' and coalesce(in_reply_to_account_id, '') <> account_id)

),

all_activities as (

    select
        native_event,
        concat(post_id, ':lifetime') as activity_id,
        account_id,
        post_id as content_id,
        cast(null as string) as identifier_value,
        activity_count,
        'total' as known_as,
        'lifetime' as count_basis,
        true as is_incoming,
        exported_at as occurred_at,
        false as is_provisional
    from ranked_lifetime_counts
    where export_recency = 1

    union all

    select
        native_event,
        concat(account_id, ':', cast(reported_date as string)) as activity_id,
        account_id,
        cast(null as string) as content_id,
        cast(null as string) as identifier_value,
        activity_count,
        'total' as known_as,
        'day' as count_basis,
        true as is_incoming,
        day_middle_at as occurred_at,
        is_provisional
    from day_counts

    union all

    select
        'message' as native_event,
        message_id as activity_id,
        account_id,
        cast(null as string) as content_id,
        case when is_incoming then sender_account_id end as identifier_value,
        1 as activity_count,
        'person' as known_as,
        'event' as count_basis,
        is_incoming,
        sent_at as occurred_at,
        false as is_provisional
    from directed_messages

    union all

    select
        native_event,
        post_id as activity_id,
        account_id,
        post_id as content_id,
        cast(null as string) as identifier_value,
        1 as activity_count,
        'person' as known_as,
        'event' as count_basis,
        false as is_incoming,
        posted_at as occurred_at,
        false as is_provisional
    from own_acts

),

final as (

    select
        cast('x' as string) as platform_id,
        cast(native_event as string) as native_event,
        cast(activity_id as string) as activity_id,
        cast(account_id as string) as account_id,
        cast(content_id as string) as content_id,
        cast(
            case when identifier_value is not null then 'x_account' end as string
        ) as identifier_type,
        cast(identifier_value as string) as identifier_value,
        cast(activity_count as bigint) as activity_count,
        cast(known_as as string) as known_as,
        cast(count_basis as string) as count_basis,
        cast(is_incoming as boolean) as is_incoming,
        cast(occurred_at as timestamp) as occurred_at,
        cast(is_provisional as boolean) as is_provisional
    from all_activities

)

select * from final
