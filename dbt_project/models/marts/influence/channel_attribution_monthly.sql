with credits as (

    select * from {{ ref('fct_attribution_credits') }}

),

channel_days as (

    select * from {{ ref('channel_attribution_daily') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

journeys as (

    select * from {{ ref('int_converted_journeys') }}

),

paths as (

    select * from {{ ref('int_paths') }}

),

path_channels as (

    select * from {{ ref('int_path_channels') }}

),

measured_models as (

    select * from {{ ref('measured_attribution_models') }}

),

channel_effects as (

    select * from {{ source('measurement', 'channel_effects') }}
    where month_date is not null

),

{{ channel_attribution(is_monthly=true) }}
