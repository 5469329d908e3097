{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}

),

paths as (

    select * from {{ ref('int_conversion_paths') }}
    where {{ within('conversion', 'conversion_key') }}

),

path_configurations as (

    select * from {{ ref('int_path_configurations') }}

),

path_transforms as (

    select * from {{ ref('path_transforms') }}

),

path_windows as (

    select * from path_configurations
    where path_configuration_number = path_window_number

),

touches as (

    select
        path_windows.path_window_number,
        paths.conversion_key,
        paths.channel_id,
        paths.touchpoint_key,
        paths.touch_kind,
        paths.age_days,
        paths.touched_at,
        paths.touch_position - paths.path_length + count(*) over (
            partition by paths.conversion_key, path_windows.path_window_number
        ) as met_position,
        count(*) over (
            partition by paths.conversion_key, path_windows.path_window_number
        ) as met_count
    from paths
    inner join conversions
        on paths.conversion_key = conversions.conversion_key
    cross join path_windows
    where {{ is_on_path_of_conversion() }}

),

{{ configured_paths(
    journey=['conversion_key'], carried=['touchpoint_key', 'touch_kind', 'age_days', 'touched_at']
) }},

final as (

    select
        path_configurations.path_configuration_id,
        configured_touches.conversion_key,
        configured_touches.touchpoint_key,
        configured_touches.channel_id,
        configured_touches.touch_kind,
        configured_touches.touch_position,
        configured_touches.path_length,
        configured_touches.age_days,
        configured_touches.is_capped,
        configured_touches.stands_for_count,
        configured_touches.touched_at
    from configured_touches
    inner join path_configurations
        on
            configured_touches.path_configuration_number
            = path_configurations.path_configuration_number

)

select * from final
