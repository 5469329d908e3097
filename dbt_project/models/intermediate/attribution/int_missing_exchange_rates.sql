with conversions as (

    select * from {{ ref('int_conversions') }}

),

final as (

    select
        converted_date,
        coalesce(currency_code, '(none)') as currency_code,
        reporting_currency_code,
        cast(count(*) as bigint) as conversion_count
    from conversions
    where gross_amount_reporting is null
    group by converted_date, coalesce(currency_code, '(none)'), reporting_currency_code

)

select * from final
