with subscribers as (

    select * from {{ source('curated', 'subscribers') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

subscribers_typed as (

    select
        subscribers._load_id,
        subscribers._source_row_number,
        {{ person_hash('subscribers.email_address') }} as subscriber_hash,
        subscribers.email_address like '%@%' as has_email,
        {{ utc_time('curated', 'subscribers', 'subscribed_at', 'subscribers') }} as subscribed_at,
        {{ without_address("nullif(trim(subscribers.utm_source), '')") }} as utm_source,
        {{ without_address("nullif(trim(subscribers.utm_medium), '')") }} as utm_medium,
        {{ without_address("nullif(trim(subscribers.utm_campaign), '')") }} as utm_campaign,
        {{ url_host('subscribers.utm_referrer') }} as referrer_host
    from subscribers
    cross join identity_keys

),

final as (

    select
        {{ surrogate_key(['subscriber_hash', 'subscribed_at']) }} as subscription_id,
        case
            when subscribers_typed.has_email then subscribers_typed.subscriber_hash
        end as email_hash,
        subscribers_typed.utm_source,
        subscribers_typed.utm_medium,
        subscribers_typed.utm_campaign,
        subscribers_typed.referrer_host,
        {{ later_export_wins(['subscriber_hash', 'subscribed_at']) }} as export_recency,
        subscribers_typed.subscribed_at,
        subscribers_typed._load_id,
        subscribers_typed._source_row_number
    from subscribers_typed
    inner join loads
        on subscribers_typed._load_id = loads.load_id

)

select * from final
