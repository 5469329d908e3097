with activities as (

    select * from {{ ref('int_activities') }}

),

contents as (

    select * from {{ ref('int_contents') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

first_and_last_days as (

    select
        min(activity_date) as first_day,
        max(activity_date) as last_day
    from activities

    union all

    select
        min(published_date) as first_day,
        max(published_date) as last_day
    from contents

    union all

    select
        min(metric_date) as first_day,
        max(metric_date) as last_day
    from metrics

    union all

    select
        min(entanglement_date) as first_day,
        max(entanglement_date) as last_day
    from entanglement_days

    union all

    select
        min(converted_date) as first_day,
        max(converted_date) as last_day
    from conversions

),

-- The horizon is the last day that any export tells of: nothing here looks at a clock.
first_and_last_day as (

    select
        min(first_day) as first_day,
        max(last_day) as last_day
    from first_and_last_days

),

days as (

    {{ day_series('first_day', 'last_day') }} from first_and_last_day

),

final as (

    select
        {{ month_of('date_day') }} as period,
        min(date_day) as period_start_date,
        max(date_day) as period_end_date
    from days
    group by {{ month_of('date_day') }}

    union all

    select
        'all' as period,
        first_day as period_start_date,
        last_day as period_end_date
    from first_and_last_day
    where first_day is not null

)

select * from final
