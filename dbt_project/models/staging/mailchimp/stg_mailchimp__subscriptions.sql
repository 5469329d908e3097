with subscribed as (

    select * from {{ ref('stg_mailchimp__subscribed') }}

),

unsubscribed as (

    select * from {{ ref('stg_mailchimp__unsubscribed') }}

),

cleaned as (

    select * from {{ ref('stg_mailchimp__cleaned') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

member_states as (

    select
        _load_id,
        member_id,
        email_hash,
        opted_in_at,
        confirmed_at,
        changed_at as state_since_at,
        cast(null as timestamp) as ended_at,
        'subscribed' as member_state
    from subscribed
    union all
    select
        _load_id,
        member_id,
        email_hash,
        opted_in_at,
        confirmed_at,
        unsubscribed_at as state_since_at,
        unsubscribed_at as ended_at,
        'unsubscribed' as member_state
    from unsubscribed
    union all
    select
        _load_id,
        member_id,
        email_hash,
        opted_in_at,
        confirmed_at,
        cleaned_at as state_since_at,
        cleaned_at as ended_at,
        'cleaned' as member_state
    from cleaned

),

-- Coming back gives a member a later opt-in, and with it a second subscription.
states_of_subscriptions as (

    select
        member_states._load_id,
        {{ surrogate_key([
            'member_states.member_id',
            'coalesce(member_states.opted_in_at, member_states.confirmed_at)',
        ]) }} as subscription_id,
        member_states.email_hash,
        member_states.member_state,
        member_states.ended_at,
        member_states.state_since_at,
        coalesce(member_states.opted_in_at, member_states.confirmed_at) as signed_up_at,
        coalesce(member_states.state_since_at, loads.exported_at) as known_since_at,
        loads.file_sha256
    from member_states
    inner join loads
        on member_states._load_id = loads.load_id

),

-- The dates in the rows order the states, not those of the files: the three files of one export
-- cover different days. A row without a change date says nothing about when: a dated end wins.
states_by_recency as (

    select
        _load_id,
        subscription_id,
        email_hash,
        member_state,
        ended_at,
        coalesce(
            signed_up_at,
            min(known_since_at) over (partition by subscription_id)
        ) as signed_up_at,
        row_number() over (
            partition by subscription_id
            order by
                state_since_at desc nulls last,
                ended_at desc nulls last,
                known_since_at desc nulls last,
                file_sha256 desc nulls last
        ) as state_recency
    from states_of_subscriptions

),

final as (

    select
        subscription_id,
        email_hash,
        member_state,
        signed_up_at,
        ended_at,
        _load_id
    from states_by_recency
    where state_recency = 1

)

select * from final
