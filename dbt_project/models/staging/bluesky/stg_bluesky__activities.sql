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
        subject,
        reply_parent_uri,
        reply_root_uri,
        quoted_uri,
        facets,
        occurred_at,
        1 as source_rank
    from jetstream_events
    where operation = 'create'

    union all

    select
        record_uri,
        did,
        collection,
        subject,
        reply_parent_uri,
        reply_root_uri,
        quoted_uri,
        facets,
        created_at as occurred_at,
        2 as source_rank
    from repo_records
    where is_latest_export

),

ranked_records as (

    select
        *,
        row_number() over (
            partition by record_uri
            order by source_rank asc nulls last, occurred_at asc nulls last
        ) as record_rank
    from records_by_source

),

-- One post can answer one account and quote another: that is two activities.
acts as (

    select
        case when collection = 'app.bsky.feed.like' then 'like' else 'repost' end as native_event,
        record_uri,
        did,
        subject as target_uri,
        cast(null as {{ dbt.type_string() }}) as root_uri,
        occurred_at
    from ranked_records
    where record_rank = 1 and collection in ('app.bsky.feed.like', 'app.bsky.feed.repost')

    union all

    select
        'reply' as native_event,
        record_uri,
        did,
        reply_parent_uri as target_uri,
        reply_root_uri as root_uri,
        occurred_at
    from ranked_records
    where record_rank = 1 and collection = 'app.bsky.feed.post' and reply_parent_uri is not null

    union all

    select
        'quote' as native_event,
        record_uri,
        did,
        quoted_uri as target_uri,
        cast(null as {{ dbt.type_string() }}) as root_uri,
        occurred_at
    from ranked_records
    where
        record_rank = 1
        and collection = 'app.bsky.feed.post'
        and quoted_uri like '%/app.bsky.feed.post/%'

),

acts_with_targets as (

    select
        *,
        {{ regexp_group('target_uri', '^at://([^/]+)/') }} as target_did,
        {{ regexp_group('root_uri', '^at://([^/]+)/') }} as root_did
    from acts

),

-- A reply deep in a thread of the brand's counts as one to the post that began it.
received as (

    select
        acts_with_targets.native_event,
        acts_with_targets.record_uri,
        coalesce(own_targets.account_id, own_roots.account_id) as account_id,
        case
            when own_targets.account_id is not null then acts_with_targets.target_uri
            else acts_with_targets.root_uri
        end as content_uri,
        acts_with_targets.did as person_did,
        true as is_incoming,
        acts_with_targets.occurred_at
    from acts_with_targets
    left join own_accounts as own_actors on acts_with_targets.did = own_actors.account_id
    left join own_accounts as own_targets on acts_with_targets.target_did = own_targets.account_id
    left join own_accounts as own_roots on acts_with_targets.root_did = own_roots.account_id
    where
        own_actors.account_id is null
        and (own_targets.account_id is not null or own_roots.account_id is not null)

),

-- A reply to the brand or a quote of it that also names it is no second engagement.
mentions_out_of_the_blue as (

    select
        'mention' as native_event,
        ranked_records.record_uri,
        min(own_accounts.account_id) as account_id,
        cast(null as {{ dbt.type_string() }}) as content_uri,
        ranked_records.did as person_did,
        true as is_incoming,
        min(ranked_records.occurred_at) as occurred_at
    from ranked_records
    inner join own_accounts
        on ranked_records.facets like '%"' || own_accounts.account_id || '"%'
    left join own_accounts as own_actors on ranked_records.did = own_actors.account_id
    left join received on ranked_records.record_uri = received.record_uri
    where
        ranked_records.record_rank = 1
        and ranked_records.collection = 'app.bsky.feed.post'
        and own_actors.account_id is null
        and received.record_uri is null
    group by ranked_records.record_uri, ranked_records.did

),

-- The content is the brand's own act, where it is one; what others wrote is none of the brand's.
done_by_the_brand as (

    select
        acts_with_targets.native_event,
        acts_with_targets.record_uri,
        acts_with_targets.did as account_id,
        case
            when acts_with_targets.native_event <> 'like' then acts_with_targets.record_uri
        end as content_uri,
        case
            when own_targets.account_id is null then acts_with_targets.target_did
            else acts_with_targets.root_did
        end as person_did,
        false as is_incoming,
        acts_with_targets.occurred_at
    from acts_with_targets
    inner join own_accounts as own_actors on acts_with_targets.did = own_actors.account_id
    left join own_accounts as own_targets on acts_with_targets.target_did = own_targets.account_id
    left join own_accounts as own_roots on acts_with_targets.root_did = own_roots.account_id
    where
        (acts_with_targets.target_did is not null and own_targets.account_id is null)
        or (acts_with_targets.root_did is not null and own_roots.account_id is null)

),

activities_of_the_brand as (

    select * from received

    union all

    select * from mentions_out_of_the_blue

    union all

    select * from done_by_the_brand

),

-- Feeds and lists can be liked too; they are no contents.
final as (

    select
        'bluesky' as platform_id,
        native_event,
        record_uri as activity_id,
        account_id,
        case
            when content_uri like '%/app.bsky.feed.post/%' then content_uri
            when content_uri like '%/app.bsky.feed.repost/%' then content_uri
        end as content_id,
        'bluesky_account' as identifier_type,
        person_did as identifier_value,
        cast(1 as bigint) as activity_count,
        'person' as known_as,
        'event' as count_basis,
        is_incoming,
        occurred_at,
        false as is_provisional
    from activities_of_the_brand

)

select * from final
