{#- The CTE `configured_touches`: the touches that each path configuration keeps of `touches`, the CTE with a row per window
    of configurations and touch of a journey: path_window_number, channel_id, met_position, met_count, the columns `journey`,
    which tell journeys apart, and those `carried` along. Needs the CTEs `path_configurations` and `path_transforms`.
    Of a path that is too long the first touch stays and the last ones. Most configurations have no transforms: their
    touches, of which there may be 100 million, pass by the steps, or are left out with `only_transformed`. -#}
{% macro configured_paths(journey, carried=[], only_transformed=false) -%}
{%- set most_transforms = 3 -%}
numbered_transforms as (

    select
        path_configurations.path_configuration_number,
        path_transforms.step,
        path_transforms.transform,
        path_transforms.channel_id
    from path_transforms
    inner join path_configurations
        on path_transforms.path_configuration_id = path_configurations.path_configuration_id

),

{% for paths, is_transformed in [('unchanged', 'false'), ('changed_0', 'true')] if paths != 'unchanged' or not only_transformed -%}
{{ paths }} as (

    select
        path_configurations.path_configuration_number,
        {%- for column in journey + ['channel_id'] + carried %}
        touches.{{ column }},
        {%- endfor %}
        case
            when touches.met_position = 1 then 1
            else
                touches.met_position - touches.met_count
                + least(touches.met_count, path_configurations.lookback_steps)
        end as touch_position,
        least(touches.met_count, path_configurations.lookback_steps) as path_length,
        coalesce(touches.met_count > path_configurations.lookback_steps, false) as is_capped,
        cast(null as bigint) as stands_for_count
    from touches
    inner join path_configurations
        on touches.path_window_number = path_configurations.path_window_number
    where
        path_configurations.is_transformed = {{ is_transformed }}
        and (
            touches.met_position = 1
            or path_configurations.lookback_steps is null
            or touches.met_position > touches.met_count - path_configurations.lookback_steps + 1
        )

),

{% endfor -%}
{% for step in range(1, most_transforms + 1) -%}
{%- set before = 'changed_' ~ (step - 1) -%}
{%- set path -%}
{{ before }}.path_configuration_number
{%- for column in journey %}, {{ before }}.{{ column }}{% endfor %}
{%- endset -%}
compared_{{ step }} as (

    select
        {{ before }}.*,
        numbered_transforms.transform,
        numbered_transforms.channel_id as removed_channel_id,
        lag({{ before }}.channel_id) over (
            partition by {{ path }}
            order by {{ before }}.touch_position asc nulls last
        ) as previous_channel_id,
        max(
            case
                when {{ before }}.channel_id <> numbered_transforms.channel_id
                    then {{ before }}.touch_position
            end
        ) over (partition by {{ path }}) as last_other_position,
        cast(1 as bigint) as channel_occurrence,
        cast(null as bigint) as channel_count
    from {{ before }}
    inner join numbered_transforms
        on
            {{ before }}.path_configuration_number = numbered_transforms.path_configuration_number
            and numbered_transforms.step = {{ step }}
    where
        numbered_transforms.transform in ('exposure', 'remove_if_not_all', 'remove_if_last_and_not_all')

    union all

    select
        {{ before }}.*,
        numbered_transforms.transform,
        cast(null as string) as removed_channel_id,
        cast(null as string) as previous_channel_id,
        cast(null as bigint) as last_other_position,
        row_number() over (
            partition by {{ path }}, {{ before }}.channel_id
            order by {{ before }}.touch_position asc nulls last
        ) as channel_occurrence,
        count(*) over (partition by {{ path }}, {{ before }}.channel_id) as channel_count
    from {{ before }}
    inner join numbered_transforms
        on
            {{ before }}.path_configuration_number = numbered_transforms.path_configuration_number
            and numbered_transforms.step = {{ step }}
    where numbered_transforms.transform in ('first', 'frequency')

),

changed_{{ step }} as (

    select
        path_configuration_number,
        {%- for column in journey + ['channel_id'] + carried %}
        {{ column }},
        {%- endfor %}
        row_number() over (
            partition by path_configuration_number, {{ journey | join(', ') }}
            order by touch_position asc nulls last
        ) as touch_position,
        count(*) over (partition by path_configuration_number, {{ journey | join(', ') }})
            as path_length,
        is_capped,
        case when transform = 'frequency' then channel_count else stands_for_count end
            as stands_for_count
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
    left join numbered_transforms
        on
            {{ before }}.path_configuration_number = numbered_transforms.path_configuration_number
            and numbered_transforms.step = {{ step }}
    where numbered_transforms.transform is null or numbered_transforms.transform = 'unique'

),

{% endfor -%}
configured_touches as (

    {%- if not only_transformed %}
    select * from unchanged

    union all
    {% endif %}
    select * from changed_{{ most_transforms }}

)
{%- endmacro %}

{#- An aggregate: the path of a group of configured touches in one text. -#}
{% macro path_of_touches() -%}
    {{- joined_in_order(
        "case when stands_for_count is null then channel_id "
        ~ "else concat(channel_id, '(', cast(stands_for_count as string), ')') end",
        ' > ',
        'touch_position'
    ) -}}
{%- endmacro %}
