with conversions as (

    select * from {{ ref('int_conversions') }}

),

final as (

    select
        conversion_key,
        person_key,
        conversion_id,
        platform_id,
        conversion_kind,
        currency_code,
        reporting_currency_code,
        reversal_known_as,
        exchange_rate,
        gross_amount,
        reversed_amount,
        net_amount,
        gross_amount_reporting,
        reversed_amount_reporting,
        net_amount_reporting,
        is_fully_reversed,
        converted_date,
        reversed_date,
        exchange_rate_date,
        converted_at,
        reversed_at
    from conversions

)

select * from final
