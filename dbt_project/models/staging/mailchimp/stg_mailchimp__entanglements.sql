with subscriptions as (

    select * from {{ ref('stg_mailchimp__subscriptions') }}

),

member_states as (

    select * from {{ ref('stg_mailchimp__member_states') }}

),

loads as (

    select * from {{ ref('stg_mailchimp__loads') }}

),

listings as (

    select
        member_states.subscription_id,
        loads.exported_at as listed_at,
        min(member_states._load_id) as _load_id
    from member_states
    inner join loads on member_states._load_id = loads.load_id
    where member_states.member_state = 'subscribed' and loads.is_whole_list
    group by member_states.subscription_id, loads.exported_at

),

listed_subscriptions as (

    select distinct subscription_id
    from listings

),

dated_ends as (

    select
        subscription_id,
        ended_at,
        min(_load_id) as _load_id
    from member_states
    where ended_at is not null
    group by subscription_id, ended_at

),

-- Whom a list shows again under the opt-in with which they had left, did leave.
ends_before_a_return as (

    select distinct
        dated_ends.subscription_id,
        dated_ends.ended_at,
        dated_ends._load_id
    from dated_ends
    inner join subscriptions on dated_ends.subscription_id = subscriptions.subscription_id
    inner join listings
        on
            dated_ends.subscription_id = listings.subscription_id
            and dated_ends.ended_at < listings.listed_at
            and (subscriptions.ended_at is null or subscriptions.ended_at >= listings.listed_at)

),

-- Where no export dates the start, a list or an end tells more than the time of some change.
events as (

    select
        subscriptions.subscription_id,
        'started' as entanglement_event,
        coalesce(subscriptions.subscribed_at, subscriptions.signed_up_at) as occurred_at,
        subscriptions._load_id
    from subscriptions
    left join listed_subscriptions
        on subscriptions.subscription_id = listed_subscriptions.subscription_id
    where
        subscriptions.subscribed_at is not null
        or (listed_subscriptions.subscription_id is null and subscriptions.ended_at is null)

    union all

    select
        subscription_id,
        'ended' as entanglement_event,
        ended_at as occurred_at,
        _load_id
    from subscriptions
    where ended_at is not null

    union all

    select
        subscription_id,
        'ended' as entanglement_event,
        ended_at as occurred_at,
        _load_id
    from ends_before_a_return

    union all

    select
        subscription_id,
        'listed' as entanglement_event,
        listed_at as occurred_at,
        _load_id
    from listings

),

final as (

    select
        cast('mailchimp' as string) as platform_id,
        cast(subscriptions.account_id as string) as account_id,
        cast('email' as string) as identifier_type,
        cast(subscriptions.email_hash as string) as identifier_value,
        cast(subscriptions.subscription_id as string) as spell_id,
        cast(events.entanglement_event as string) as entanglement_event,
        cast(events.occurred_at as timestamp) as occurred_at,
        cast(
            case events.entanglement_event when 'listed' then 'listed' else 'reported' end as string
        ) as known_as,
        cast(events._load_id as bigint) as _load_id
    from events
    inner join subscriptions on events.subscription_id = subscriptions.subscription_id

)

select * from final
