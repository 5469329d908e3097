with subscriptions as (

    select * from {{ ref('stg_mailchimp__subscriptions') }}

),

starts_and_ends as (

    select
        _load_id,
        subscription_id,
        email_hash,
        'started' as entanglement_event,
        signed_up_at as occurred_at
    from subscriptions
    union all
    select
        _load_id,
        subscription_id,
        email_hash,
        'ended' as entanglement_event,
        ended_at as occurred_at
    from subscriptions
    where ended_at is not null

),

final as (

    select
        cast('mailchimp' as string) as platform_id,
        cast('newsletter' as string) as account_id,
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast(subscription_id as string) as spell_id,
        cast(entanglement_event as string) as entanglement_event,
        cast(occurred_at as timestamp) as occurred_at,
        cast('reported' as string) as known_as,
        cast(_load_id as bigint) as _load_id
    from starts_and_ends

)

select * from final
