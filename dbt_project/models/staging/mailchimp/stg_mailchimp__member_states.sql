with subscribed as (

    select * from {{ ref('stg_mailchimp__subscribed') }}

),

unsubscribed as (

    select * from {{ ref('stg_mailchimp__unsubscribed') }}

),

cleaned as (

    select * from {{ ref('stg_mailchimp__cleaned') }}

),

member_states as (

    select
        member_id,
        email_hash,
        'subscribed' as member_state,
        changed_at as state_since_at,
        cast(null as timestamp) as ended_at,
        opted_in_at,
        confirmed_at,
        _load_id
    from subscribed

    union all

    select
        member_id,
        email_hash,
        'unsubscribed' as member_state,
        unsubscribed_at as state_since_at,
        unsubscribed_at as ended_at,
        opted_in_at,
        confirmed_at,
        _load_id
    from unsubscribed

    union all

    select
        member_id,
        email_hash,
        'cleaned' as member_state,
        cleaned_at as state_since_at,
        cleaned_at as ended_at,
        opted_in_at,
        confirmed_at,
        _load_id
    from cleaned

),

-- Coming back gives a member a later opt-in, and with it a second subscription.
final as (

    select
        {{ surrogate_key(['member_id', 'coalesce(opted_in_at, confirmed_at)']) }}
            as subscription_id,
        email_hash,
        member_state,
        state_since_at,
        ended_at,
        opted_in_at,
        confirmed_at,
        _load_id
    from member_states

)

select * from final
