with payments as (

    select * from {{ ref('stg_stripe__payments') }}

),

utm_parameters as (

    select
        payment_id,
        'utm' as evidence_type,
        utm_source,
        utm_medium,
        utm_campaign,
        null as evidence_text,
        created_at
    from payments
    where
        has_succeeded
        and coalesce(utm_source, utm_medium, utm_campaign) is not null

),

client_references as (

    select
        payment_id,
        'referral' as evidence_type,
        null as utm_source,
        null as utm_medium,
        null as utm_campaign,
        client_reference_id as evidence_text,
        created_at
    from payments
    where has_succeeded and client_reference_id is not null

),

evidence as (

    select * from utm_parameters
    union all
    select * from client_references

),

final as (

    select
        cast('stripe' as string) as platform_id,
        cast(payment_id as string) as conversion_id,
        cast(evidence_type as string) as evidence_id,
        cast(evidence_type as string) as evidence_type,
        cast(utm_source as string) as utm_source,
        cast(utm_medium as string) as utm_medium,
        cast(utm_campaign as string) as utm_campaign,
        cast(null as string) as referrer_host,
        cast(evidence_text as string) as evidence_text,
        cast(created_at as timestamp) as evidence_at
    from evidence

)

select * from final
