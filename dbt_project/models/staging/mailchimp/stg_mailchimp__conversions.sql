with subscriptions as (

    select * from {{ ref('stg_mailchimp__subscriptions') }}

),

final as (

    select
        cast('mailchimp' as string) as platform_id,
        cast(subscription_id as string) as conversion_id,
        cast('sign_up' as string) as conversion_kind,
        cast('email' as string) as identifier_type,
        cast(email_hash as string) as identifier_value,
        cast(null as string) as region_code,
        cast(0 as decimal(18, 2)) as gross_amount,
        cast(null as string) as currency_code,
        cast(0 as decimal(18, 2)) as reversed_amount,
        ended_at is not null as is_fully_reversed,
        cast(null as string) as payment_reference,
        cast(signed_up_at as timestamp) as converted_at,
        cast(ended_at as timestamp) as reversed_at,
        cast(case when ended_at is not null then 'reported' end as string) as reversal_known_as
    from subscriptions

)

select * from final
