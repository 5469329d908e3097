with subscribers as (

    select * from {{ ref('stg_curated__subscribers') }}

),

-- Nothing can be sent to an entry that is no address: it is a sign-up, but no lasting link.
final as (

    select
        cast('curated' as string) as platform_id,
        cast('newsletter' as string) as account_id,
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast(subscription_id as string) as spell_id,
        cast('started' as string) as entanglement_event,
        cast(subscribed_at as timestamp) as occurred_at,
        cast('reported' as string) as known_as,
        cast(_load_id as bigint) as _load_id
    from subscribers
    where export_recency = 1 and email_hash is not null

)

select * from final
