with metrics as (

    select * from {{ ref('int_metrics') }}

),

final as (

    select
        metric_key as reception_key,
        content_key,
        account_key,
        platform_id,
        metric_name,
        metric_basis,
        known_as,
        metric_value,
        is_provisional,
        metric_date
    from metrics
    where word = 'reception'

)

select * from final
