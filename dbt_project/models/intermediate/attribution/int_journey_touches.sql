{{ config(materialized='replaced') }}
{%- set most_transforms = 3 -%}
with conversions as (

    select * from {{ ref('int_conversions') }}

),

paths as (

    select * from {{ ref('int_conversion_paths') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}
    where
        channel_id is not null
        and person_key is not null
        and {{ within('person', 'person_key') }}

),

path_transforms as (

    select * from {{ ref('path_transforms') }}

),

transformed_configurations as (

    select distinct path_configuration_id
    from path_transforms

),

-- Configurations that differ in their transforms alone share the work up to there.
path_configurations as (

    select
        configured.*,
        transformed_configurations.path_configuration_id is not null as is_transformed,
        min(configured.path_configuration_id) over (
            partition by
                configured.lookback_days,
                configured.lookback_steps,
                configured.conversion_kinds,
                configured.is_reset_after_conversion
        ) as path_window_id
    from {{ ref('path_configurations') }} as configured
    left join transformed_configurations
        on configured.path_configuration_id = transformed_configurations.path_configuration_id

),

path_windows as (

    select * from path_configurations
    where path_configuration_id = path_window_id

),

-- A narrower window keeps at least the last touch: which conversions are unknown must not depend
-- on the configuration.
touches_with_conversion as (

    select
        path_windows.path_window_id,
        paths.conversion_key as journey_id,
        conversions.person_key,
        paths.conversion_key,
        paths.touchpoint_key,
        paths.channel_id,
        paths.touch_kind,
        paths.touch_position - paths.path_length + count(*) over (
            partition by paths.conversion_key, path_windows.path_window_id
        ) as met_position,
        count(*) over (
            partition by paths.conversion_key, path_windows.path_window_id
        ) as met_count,
        paths.age_days,
        paths.touched_at,
        max(paths.touched_at) over (
            partition by paths.conversion_key, path_windows.path_window_id
        ) as last_touched_at
    from paths
    inner join conversions
        on paths.conversion_key = conversions.conversion_key
    cross join path_windows
    where
        {{ within('conversion', 'paths.conversion_key') }}
        and (
            path_windows.conversion_kinds is null
            or concat(' ', path_windows.conversion_kinds, ' ')
            like concat('% ', conversions.conversion_kind, ' %')
        )
        and (
            paths.touch_position = paths.path_length
            or (
                paths.touched_at > {{ plus_days(
                    'conversions.converted_at', '-path_windows.lookback_days'
                ) }}
                and not (paths.is_spent and path_windows.is_reset_after_conversion)
            )
        )

),

spent_touches as (

    select distinct
        path_window_id,
        touchpoint_key
    from touches_with_conversion

),

-- A person's key first: what most rows share makes a slow start of a key to sort by (of 1.3 million
-- touches 2.2 to 1.6 s).
touches_without_conversion as (

    select
        path_windows.path_window_id,
        path_windows.lookback_days,
        touchpoints.person_key,
        touchpoints.touchpoint_key,
        touchpoints.channel_id,
        touchpoints.touch_kind,
        touchpoints.touched_at,
        row_number() over touches_of_person as person_position,
        lag(touchpoints.touched_at) over touches_of_person as previous_touched_at,
        lead(touchpoints.touched_at) over touches_of_person as next_touched_at
    from touchpoints
    cross join path_windows
    left join spent_touches
        on
            path_windows.path_window_id = spent_touches.path_window_id
            and touchpoints.touchpoint_key = spent_touches.touchpoint_key
    where spent_touches.touchpoint_key is null
    window
        touches_of_person as (
            partition by touchpoints.person_key, path_windows.path_window_id
            order by
                touchpoints.touched_at asc nulls last,
                touchpoints.channel_id asc nulls last,
                touchpoints.touch_kind asc nulls last,
                touchpoints.touchpoint_key asc nulls last
        )

),

-- A pause longer than the lookback begins another journey.
touches_beside_pauses as (

    select
        *,
        case
            when touched_at <= {{ plus_days('previous_touched_at', 'lookback_days') }} then null
            else person_position
        end as start_position,
        case
            when next_touched_at <= {{ plus_days('touched_at', 'lookback_days') }} then null
            else person_position
        end as end_position
    from touches_without_conversion

),

-- Both ends by one order of a person's touches: a sort less than by counting each journey's.
touches_with_journey as (

    select
        *,
        max(start_position) over touches_so_far as journey_start_position,
        min(end_position) over touches_from_here as journey_end_position,
        min(case when end_position is not null then touched_at end) over touches_from_here
            as last_touched_at
    from touches_beside_pauses
    window
        touches_so_far as (
            partition by person_key, path_window_id
            order by person_position asc nulls last
            rows between unbounded preceding and current row
        ),
        touches_from_here as (
            partition by person_key, path_window_id
            order by person_position asc nulls last
            rows between current row and unbounded following
        )

),

touches_of_journeys as (

    select * from touches_with_conversion

    union all

    select
        path_window_id,
        concat(person_key, '-', cast(journey_start_position as string)) as journey_id,
        person_key,
        cast(null as string) as conversion_key,
        touchpoint_key,
        channel_id,
        touch_kind,
        person_position - journey_start_position + 1 as met_position,
        journey_end_position - journey_start_position + 1 as met_count,
        cast(null as double) as age_days,
        touched_at,
        last_touched_at
    from touches_with_journey

),

-- Of a path that is too long the first touch stays and the last ones. Most configurations have no
-- transforms: their touches, of which there may be 100 million, pass by the steps below.
{% for paths, is_transformed in [('unchanged', 'false'), ('changed_0', 'true')] -%}
{{ paths }} as (

    select
        path_configurations.path_configuration_id,
        touches_of_journeys.journey_id,
        touches_of_journeys.person_key,
        touches_of_journeys.conversion_key,
        touches_of_journeys.touchpoint_key,
        touches_of_journeys.channel_id,
        touches_of_journeys.touch_kind,
        case
            when touches_of_journeys.met_position = 1 then 1
            else
                touches_of_journeys.met_position - touches_of_journeys.met_count
                + least(touches_of_journeys.met_count, path_configurations.lookback_steps)
        end as touch_position,
        least(touches_of_journeys.met_count, path_configurations.lookback_steps) as path_length,
        touches_of_journeys.age_days,
        coalesce(touches_of_journeys.met_count > path_configurations.lookback_steps, false)
            as is_capped,
        cast(null as bigint) as stands_for_count,
        touches_of_journeys.touched_at,
        touches_of_journeys.last_touched_at
    from touches_of_journeys
    inner join path_configurations
        on touches_of_journeys.path_window_id = path_configurations.path_window_id
    where
        path_configurations.is_transformed = {{ is_transformed }}
        and (
            touches_of_journeys.met_position = 1
            or path_configurations.lookback_steps is null
            or touches_of_journeys.met_position
            > touches_of_journeys.met_count - path_configurations.lookback_steps + 1
        )

),

{% endfor -%}
{% for step in range(1, most_transforms + 1) -%}
{%- set before = 'changed_' ~ (step - 1) -%}
compared_{{ step }} as (

    select
        {{ before }}.*,
        path_transforms.transform,
        path_transforms.channel_id as removed_channel_id,
        lag({{ before }}.channel_id) over (
            partition by {{ before }}.journey_id, {{ before }}.path_configuration_id
            order by {{ before }}.touch_position asc nulls last
        ) as previous_channel_id,
        max(
            case
                when {{ before }}.channel_id <> path_transforms.channel_id
                    then {{ before }}.touch_position
            end
        ) over (
            partition by {{ before }}.journey_id, {{ before }}.path_configuration_id
        ) as last_other_position,
        cast(1 as bigint) as channel_occurrence,
        cast(null as bigint) as channel_count
    from {{ before }}
    inner join path_transforms
        on
            {{ before }}.path_configuration_id = path_transforms.path_configuration_id
            and path_transforms.step = {{ step }}
    where
        path_transforms.transform in ('exposure', 'remove_if_not_all', 'remove_if_last_and_not_all')

    union all

    select
        {{ before }}.*,
        path_transforms.transform,
        cast(null as string) as removed_channel_id,
        cast(null as string) as previous_channel_id,
        cast(null as bigint) as last_other_position,
        row_number() over (
            partition by
                {{ before }}.journey_id, {{ before }}.path_configuration_id, {{ before }}.channel_id
            order by {{ before }}.touch_position asc nulls last
        ) as channel_occurrence,
        count(*) over (
            partition by
                {{ before }}.journey_id, {{ before }}.path_configuration_id, {{ before }}.channel_id
        ) as channel_count
    from {{ before }}
    inner join path_transforms
        on
            {{ before }}.path_configuration_id = path_transforms.path_configuration_id
            and path_transforms.step = {{ step }}
    where path_transforms.transform in ('first', 'frequency')

),

changed_{{ step }} as (

    select
        path_configuration_id,
        journey_id,
        person_key,
        conversion_key,
        touchpoint_key,
        channel_id,
        touch_kind,
        row_number() over (
            partition by journey_id, path_configuration_id
            order by touch_position asc nulls last
        ) as touch_position,
        count(*) over (partition by journey_id, path_configuration_id) as path_length,
        age_days,
        is_capped,
        case when transform = 'frequency' then channel_count else stands_for_count end
            as stands_for_count,
        touched_at,
        last_touched_at
    from compared_{{ step }}
    where
        case transform
            when 'exposure' then previous_channel_id is null or previous_channel_id <> channel_id
            when 'remove_if_not_all'
                then last_other_position is null or channel_id <> removed_channel_id
            when 'remove_if_last_and_not_all'
                then last_other_position is null or touch_position <= last_other_position
            else channel_occurrence = 1
        end

    union all

    select {{ before }}.*
    from {{ before }}
    left join path_transforms
        on
            {{ before }}.path_configuration_id = path_transforms.path_configuration_id
            and path_transforms.step = {{ step }}
    where path_transforms.transform is null or path_transforms.transform = 'unique'

),

{% endfor -%}
final as (

    select * from unchanged

    union all

    select * from changed_{{ most_transforms }}

)

select * from final
