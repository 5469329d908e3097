with subscribers as (

    select * from {{ ref('stg_curated__subscribers') }}

),

utm_parameters as (

    select
        subscription_id,
        'utm' as evidence_type,
        utm_source,
        utm_medium,
        utm_campaign,
        null as referrer_host,
        subscribed_at
    from subscribers
    where
        export_recency = 1
        and coalesce(utm_source, utm_medium, utm_campaign) is not null

),

referring_pages as (

    select
        subscription_id,
        'referrer' as evidence_type,
        null as utm_source,
        null as utm_medium,
        null as utm_campaign,
        referrer_host,
        subscribed_at
    from subscribers
    where export_recency = 1 and referrer_host is not null

),

evidence as (

    select * from utm_parameters
    union all
    select * from referring_pages

),

final as (

    select
        cast('curated' as string) as platform_id,
        cast(subscription_id as string) as conversion_id,
        cast(evidence_type as string) as evidence_id,
        cast(evidence_type as string) as evidence_type,
        cast(utm_source as string) as utm_source,
        cast(utm_medium as string) as utm_medium,
        cast(utm_campaign as string) as utm_campaign,
        cast(referrer_host as string) as referrer_host,
        cast(null as string) as evidence_text,
        cast(subscribed_at as timestamp) as evidence_at
    from evidence

)

select * from final
