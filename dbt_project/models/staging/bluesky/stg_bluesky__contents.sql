with jetstream_events as (

    select * from {{ ref('stg_bluesky__jetstream_events') }}

),

repo_records as (

    select * from {{ ref('stg_bluesky__repo_records') }}

),

own_accounts as (

    select * from {{ ref('stg_bluesky__own_accounts') }}

),

records_by_source as (

    select
        record_uri,
        did,
        collection,
        rkey,
        reply_parent_uri,
        quoted_uri,
        occurred_at as published_at,
        1 as source_rank
    from jetstream_events
    where operation = 'create'

    union all

    select
        record_uri,
        did,
        collection,
        rkey,
        reply_parent_uri,
        quoted_uri,
        created_at as published_at,
        2 as source_rank
    from repo_records
    where is_latest_export

),

-- The server's time beats the app's claim in the repository.
ranked_contents as (

    select
        records_by_source.*,
        row_number() over (
            partition by records_by_source.record_uri
            order by
                records_by_source.source_rank asc nulls last,
                records_by_source.published_at asc nulls last
        ) as content_rank
    from records_by_source
    inner join own_accounts on records_by_source.did = own_accounts.account_id
    where records_by_source.collection in ('app.bsky.feed.post', 'app.bsky.feed.repost')

),

final as (

    select
        'bluesky' as platform_id,
        record_uri as content_id,
        did as account_id,
        case
            when collection = 'app.bsky.feed.repost' then 'repost'
            when quoted_uri like '%/app.bsky.feed.post/%' then 'quote'
            when reply_parent_uri is not null then 'reply'
            else 'post'
        end as content_kind,
        case
            when collection = 'app.bsky.feed.post'
                then 'https://bsky.app/profile/' || did || '/post/' || rkey
        end as content_url,
        published_at
    from ranked_contents
    where content_rank = 1

)

select * from final
