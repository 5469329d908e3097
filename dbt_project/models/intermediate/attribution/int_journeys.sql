{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}

),

link_states as (

    select * from {{ ref('int_conversion_link_states') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}

),

journey_touches as (

    select * from {{ ref('int_journey_touches') }}

),

path_configurations as (

    select * from {{ ref('path_configurations') }}

),

data_horizon as (

    select max(seen_at) as horizon_at
    from (
        select max(touched_at) as seen_at from touchpoints
        union all
        select max(converted_at) as seen_at from conversions
    ) as latest_moments

),

paths as (

    select
        journey_id,
        path_configuration_id,
        conversion_key,
        max(person_key) as person_key,
        {{ joined_in_order(
            "case when stands_for_count is null then channel_id "
            ~ "else concat(channel_id, '(', cast(stands_for_count as string), ')') end",
            ' > ',
            'touch_position'
        ) }} as journey_path,
        count(*) as path_length,
        max(case when is_capped then 1 else 0 end) = 1 as is_capped,
        max(last_touched_at) as last_touched_at
    from journey_touches
    where
        {{ within('conversion', 'conversion_key') }}
        or (conversion_key is null and {{ within('person', 'person_key') }})
    group by journey_id, path_configuration_id, conversion_key

),

converted_journeys as (

    select
        conversions.conversion_key as journey_id,
        path_configurations.path_configuration_id,
        conversions.person_key,
        conversions.conversion_key,
        conversions.conversion_kind,
        'converted' as journey_outcome,
        conversions.converted_date as journey_date,
        coalesce(paths.journey_path, '') as journey_path,
        link_states.link_state,
        coalesce(paths.path_length, 0) as path_length,
        coalesce(paths.is_capped, false) as is_capped,
        case when conversions.is_fully_reversed then 0 else 1 end as net_count,
        conversions.net_amount_reporting
    from conversions
    inner join link_states
        on conversions.conversion_key = link_states.conversion_key
    cross join path_configurations
    left join paths
        on
            conversions.conversion_key = paths.conversion_key
            and path_configurations.path_configuration_id = paths.path_configuration_id
    where
        {{ within('conversion', 'conversions.conversion_key') }}
        and (
            path_configurations.conversion_kinds is null
            or concat(' ', path_configurations.conversion_kinds, ' ')
            like concat('% ', conversions.conversion_kind, ' %')
        )

),

-- While the lookback after its last touch is not over, a journey may yet convert.
other_journeys as (

    select
        paths.journey_id,
        paths.path_configuration_id,
        paths.person_key,
        cast(null as string) as conversion_key,
        cast(null as string) as conversion_kind,
        case
            when
                {{ plus_days('paths.last_touched_at', 'path_configurations.lookback_days') }}
                < data_horizon.horizon_at
                then 'not_converted'
            else 'open'
        end as journey_outcome,
        {{ reporting_date('paths.last_touched_at') }} as journey_date,
        paths.journey_path,
        cast(null as string) as link_state,
        paths.path_length,
        paths.is_capped,
        cast(null as integer) as net_count,
        cast(null as decimal(18, 2)) as net_amount_reporting
    from paths
    inner join path_configurations
        on paths.path_configuration_id = path_configurations.path_configuration_id
    cross join data_horizon
    where paths.conversion_key is null

),

journeys as (

    select * from converted_journeys

    union all

    select * from other_journeys

),

final as (

    select
        {{ surrogate_key(['path_configuration_id', 'journey_id']) }} as journey_key,
        path_configuration_id,
        person_key,
        conversion_key,
        conversion_kind,
        journey_outcome,
        cast(journey_date as date) as journey_date,
        journey_path,
        link_state,
        cast(path_length as bigint) as path_length,
        is_capped,
        cast(net_count as decimal(18, 6)) as net_count,
        cast(net_amount_reporting as decimal(18, 2)) as net_amount_reporting
    from journeys

)

select * from final
