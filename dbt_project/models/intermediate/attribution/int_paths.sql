with journeys as (

    select * from {{ ref('int_journeys') }}

),

measured_configurations as (

    select distinct path_configuration_id from {{ ref('measured_attribution_models') }}

),

distinct_paths as (

    select distinct journeys.journey_path
    from journeys
    inner join measured_configurations
        on journeys.path_configuration_id = measured_configurations.path_configuration_id
    where journeys.journey_outcome <> 'open' and journeys.journey_path <> ''

),

final as (

    select
        cast(row_number() over (order by journey_path asc nulls last) as bigint) as path_number,
        journey_path
    from distinct_paths

)

select * from final
