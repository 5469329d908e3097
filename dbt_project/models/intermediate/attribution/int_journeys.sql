{{ config(materialized='view') }}
with converted_journeys as (

    select * from {{ ref('int_converted_journeys') }}

),

unconverted_journeys as (

    select * from {{ ref('int_unconverted_journeys') }}

),

path_configurations as (

    select * from {{ ref('int_path_configurations') }}

),

data_horizon as (

    select max(seen_at) as horizon_at
    from (
        select max(touched_at) as seen_at from {{ ref('int_touchpoints') }}
        union all
        select max(converted_at) as seen_at from {{ ref('int_conversions') }}
    ) as latest_moments

),

-- While the lookback after its last touch is not over, a journey may yet convert.
final as (

    select
        path_configuration_id,
        conversion_key as journey_id,
        person_key,
        conversion_key,
        conversion_kind,
        'converted' as journey_outcome,
        converted_date as journey_date,
        journey_path,
        link_state,
        path_length,
        is_capped,
        net_count,
        net_amount_reporting
    from converted_journeys

    union all

    select
        unconverted_journeys.path_configuration_id,
        unconverted_journeys.journey_id,
        unconverted_journeys.person_key,
        cast(null as string) as conversion_key,
        cast(null as string) as conversion_kind,
        case
            when
                {{ plus_days(
                    'unconverted_journeys.last_touched_at', 'path_configurations.lookback_days'
                ) }} < data_horizon.horizon_at
                then 'not_converted'
            else 'open'
        end as journey_outcome,
        {{ reporting_date('unconverted_journeys.last_touched_at') }} as journey_date,
        unconverted_journeys.journey_path,
        cast(null as string) as link_state,
        unconverted_journeys.path_length,
        unconverted_journeys.is_capped,
        cast(null as decimal(18, 6)) as net_count,
        cast(null as decimal(18, 2)) as net_amount_reporting
    from unconverted_journeys
    inner join path_configurations
        on unconverted_journeys.path_configuration_id = path_configurations.path_configuration_id
    cross join data_horizon

)

select * from final
