with journeys as (

    select * from {{ ref('int_journeys') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

measured_configurations as (

    select distinct path_configuration_id from {{ ref('measured_attribution_models') }}

),

converted_journeys as (

    select
        journeys.path_configuration_id,
        conversions.conversion_kind,
        {{ person_group('coalesce(journeys.person_key, journeys.conversion_key)') }}
            as person_group,
        journeys.journey_path,
        1 as converted_count,
        0 as not_converted_count,
        conversions.gross_amount_reporting as value_amount,
        conversions.converted_date as journey_date
    from journeys
    inner join measured_configurations
        on journeys.path_configuration_id = measured_configurations.path_configuration_id
    inner join conversions
        on journeys.conversion_key = conversions.conversion_key
    where journeys.journey_outcome = 'converted' and journeys.journey_path <> ''

),

converted_kinds as (

    select distinct
        path_configuration_id,
        conversion_kind
    from converted_journeys

),

-- Whoever did not convert might have converted in any way.
journeys_without_conversion as (

    select
        journeys.path_configuration_id,
        converted_kinds.conversion_kind,
        {{ person_group('coalesce(journeys.person_key, journeys.journey_key)') }} as person_group,
        journeys.journey_path,
        0 as converted_count,
        1 as not_converted_count,
        cast(0 as decimal(18, 2)) as value_amount,
        journeys.journey_date
    from journeys
    inner join converted_kinds
        on journeys.path_configuration_id = converted_kinds.path_configuration_id
    where journeys.journey_outcome = 'not_converted' and journeys.journey_path <> ''

),

ended_journeys as (

    select * from converted_journeys

    union all

    select * from journeys_without_conversion

),

journeys_with_month as (

    select
        *,
        cast(date_trunc('month', journey_date) as date) as month_date
    from ended_journeys

),

final as (

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        person_group,
        cast(sum(converted_count) as bigint) as converted_count,
        cast(sum(not_converted_count) as bigint) as not_converted_count,
        cast(coalesce(sum(value_amount), 0) as decimal(18, 2)) as value_amount,
        month_date
    from journeys_with_month
    group by path_configuration_id, conversion_kind, journey_path, person_group, month_date

)

select * from final
