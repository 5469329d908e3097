-- Nothing can be sent to an entry that is no address: it is a sign-up, but no lasting link.
with subscribers as (

    select * from {{ ref('stg_curated__subscribers') }}
    where email_hash is not null

),

loads as (

    select * from {{ ref('stg_curated__loads') }}

),

events as (

    select
        subscribers.subscription_id,
        subscribers.email_hash,
        loads.account_id,
        'started' as entanglement_event,
        'reported' as known_as,
        subscribers.subscribed_at as occurred_at,
        subscribers._load_id
    from subscribers
    inner join loads on subscribers._load_id = loads.load_id
    where subscribers.export_recency = 1

    union all

    select
        subscribers.subscription_id,
        subscribers.email_hash,
        loads.account_id,
        'listed' as entanglement_event,
        'listed' as known_as,
        loads.exported_at as occurred_at,
        min(subscribers._load_id) as _load_id
    from subscribers
    inner join loads on subscribers._load_id = loads.load_id
    where loads.is_whole_list
    group by
        subscribers.subscription_id,
        subscribers.email_hash,
        loads.account_id,
        loads.exported_at

),

final as (

    select
        cast('curated' as string) as platform_id,
        cast(account_id as string) as account_id,
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast(subscription_id as string) as spell_id,
        cast(entanglement_event as string) as entanglement_event,
        cast(occurred_at as timestamp) as occurred_at,
        cast(known_as as string) as known_as,
        cast(_load_id as bigint) as _load_id
    from events

)

select * from final
