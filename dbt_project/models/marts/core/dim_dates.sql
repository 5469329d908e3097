with activities as (

    select * from {{ ref('int_activities') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

contents as (

    select * from {{ ref('int_contents') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

days_with_facts as (

    select activity_date as fact_date from activities

    union distinct

    select metric_date as fact_date from metrics

    union distinct

    select entanglement_date as fact_date from entanglement_days

    union distinct

    select published_date as fact_date from contents

    union distinct

    select converted_date as fact_date from conversions

    union distinct

    select touched_date as fact_date from touchpoints

),

first_and_last_day as (

    select
        min(fact_date) as first_day,
        max(fact_date) as last_day
    from days_with_facts

),

days as (

    {{ day_series('first_day', 'last_day') }} from first_and_last_day

),

days_with_week as (

    select
        date_day,
        cast(date_trunc('week', date_day) as date) as week_start_date
    from days

),

-- An ISO week belongs to the year of its Thursday.
final as (

    select
        date_day,
        week_start_date,
        cast(date_trunc('month', date_day) as date) as month_start_date,
        cast(extract(year from date_day) as bigint) as year_number,
        cast(extract(quarter from date_day) as bigint) as quarter_number,
        cast(extract(month from date_day) as bigint) as month_number,
        cast(extract(day from date_day) as bigint) as day_of_month_number,
        cast(extract(year from {{ plus_days('week_start_date', 3) }}) as bigint) as iso_year_number,
        cast(extract(week from date_day) as bigint) as iso_week_number,
        cast({{ days_between('week_start_date', 'date_day') }} + 1 as bigint) as iso_weekday_number,
        {{ days_between('week_start_date', 'date_day') }} >= 5 as is_weekend
    from days_with_week

)

select * from final
