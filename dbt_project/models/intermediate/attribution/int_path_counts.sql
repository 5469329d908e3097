with journeys as (

    select * from {{ ref('int_journeys') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

paths as (

    select * from {{ ref('int_paths') }}

),

measured_configurations as (

    select distinct path_configuration_id from {{ ref('measured_attribution_models') }}

),

ended_journeys as (

    select
        journeys.path_configuration_id,
        coalesce(conversions.conversion_kind, '(not converted)') as conversion_kind,
        paths.path_number,
        {{ person_group('coalesce(journeys.person_key, journeys.conversion_key)') }}
            as person_group,
        coalesce(conversions.gross_amount_reporting, 0) as value_amount,
        cast(
            date_trunc('month', coalesce(conversions.converted_date, journeys.journey_date)) as date
        ) as month_date
    from journeys
    inner join measured_configurations
        on journeys.path_configuration_id = measured_configurations.path_configuration_id
    inner join paths
        on journeys.journey_path = paths.journey_path
    left join conversions
        on journeys.conversion_key = conversions.conversion_key
    where journeys.journey_outcome <> 'open'

),

counted_journeys as (

    select
        path_configuration_id,
        conversion_kind,
        path_number,
        person_group,
        count(*) as journey_count,
        sum(value_amount) as value_amount,
        month_date
    from ended_journeys
    group by path_configuration_id, conversion_kind, path_number, person_group, month_date

),

distinct_kinds as (

    select distinct
        path_configuration_id,
        conversion_kind
    from counted_journeys

),

numbered_kinds as (

    select
        path_configuration_id,
        conversion_kind,
        row_number() over (
            order by path_configuration_id asc nulls last, conversion_kind asc nulls last
        ) as kind_number
    from distinct_kinds

),

final as (

    select
        counted_journeys.path_configuration_id,
        counted_journeys.conversion_kind,
        cast(numbered_kinds.kind_number as integer) as kind_number,
        counted_journeys.path_number,
        counted_journeys.person_group,
        cast(counted_journeys.journey_count as bigint) as journey_count,
        cast(counted_journeys.value_amount as decimal(18, 2)) as value_amount,
        counted_journeys.month_date
    from counted_journeys
    inner join numbered_kinds
        on
            counted_journeys.path_configuration_id = numbered_kinds.path_configuration_id
            and counted_journeys.conversion_kind = numbered_kinds.conversion_kind

)

select * from final
