with subscribers as (

    select * from {{ ref('stg_curated__subscribers') }}

),

final as (

    select
        cast('curated' as string) as platform_id,
        cast(subscription_id as string) as conversion_id,
        cast('sign_up' as string) as conversion_kind,
        cast(case when email_hash is not null then 'email' end as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast(null as string) as region_code,
        cast(0 as decimal(18, 2)) as gross_amount,
        cast(null as string) as currency_code,
        cast(0 as decimal(18, 2)) as reversed_amount,
        false as is_fully_reversed,
        cast(null as string) as payment_reference,
        cast(subscribed_at as timestamp) as converted_at,
        cast(null as timestamp) as reversed_at,
        cast(null as string) as reversal_known_as
    from subscribers
    where export_recency = 1

)

select * from final
