with jetstream_events as (

    select * from {{ ref('stg_bluesky__jetstream_events') }}

),

own_accounts as (

    select * from {{ ref('stg_bluesky__own_accounts') }}

),

follows_of_the_brand as (

    select
        jetstream_events.record_uri as spell_id,
        jetstream_events.did,
        jetstream_events.subject as account_id,
        jetstream_events.occurred_at as started_at,
        jetstream_events._load_id,
        row_number() over (
            partition by jetstream_events.record_uri
            order by
                jetstream_events.occurred_at asc nulls last,
                jetstream_events.rev asc nulls last
        ) as follow_rank
    from jetstream_events
    inner join own_accounts on jetstream_events.subject = own_accounts.account_id
    where
        jetstream_events.collection = 'app.bsky.graph.follow'
        and jetstream_events.operation = 'create'
        and jetstream_events.did <> jetstream_events.subject

),

spells as (

    select
        spell_id,
        did,
        account_id,
        started_at,
        _load_id
    from follows_of_the_brand
    where follow_rank = 1

),

-- A delete names only the record, so whom it unfollows is told by the create. Deleting an account
-- ends all its follows.
possible_ends as (

    select
        spells.spell_id,
        spells.did,
        spells.account_id,
        jetstream_events.occurred_at as ended_at,
        jetstream_events.event_key,
        jetstream_events._load_id
    from spells
    inner join jetstream_events
        on
            spells.did = jetstream_events.did
            and spells.started_at <= jetstream_events.occurred_at
            and (
                (
                    jetstream_events.operation = 'delete'
                    and spells.spell_id = jetstream_events.record_uri
                )
                or (
                    jetstream_events.event_kind = 'account'
                    and jetstream_events.account_status = 'deleted'
                )
            )

),

ranked_ends as (

    select
        spell_id,
        did,
        account_id,
        ended_at,
        _load_id,
        row_number() over (
            partition by spell_id
            order by ended_at asc nulls last, event_key asc nulls last
        ) as end_rank
    from possible_ends

),

starts_and_ends as (

    select
        spell_id,
        did,
        account_id,
        'started' as entanglement_event,
        started_at as occurred_at,
        _load_id
    from spells

    union all

    select
        spell_id,
        did,
        account_id,
        'ended' as entanglement_event,
        ended_at as occurred_at,
        _load_id
    from ranked_ends
    where end_rank = 1

),

final as (

    select
        'bluesky' as platform_id,
        account_id,
        'bluesky_account' as identifier_type,
        did as identifier_value,
        spell_id,
        entanglement_event,
        occurred_at,
        'reported' as known_as,
        _load_id
    from starts_and_ends

)

select * from final
