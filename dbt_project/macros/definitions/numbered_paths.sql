{#- The CTEs from `paths` to `numbered_paths`: path_number and channel_numbers, the numbers of its channels in a list. -#}
{% macro numbered_paths() -%}
paths as (

    select * from {{ ref('int_paths') }}

),

numbered_channels as (

    select * from {{ ref('int_numbered_channels') }}

),

channels_by_number as (

    select
        split({{ joined_in_order('channel_id', ' > ', 'channel_number') }}, ' > ') as channel_ids
    from numbered_channels

),

numbered_paths as (

    select
        paths.path_number,
        {{ list_places("split(paths.journey_path, ' > ')", 'channels_by_number.channel_ids') }}
            as channel_numbers
    from paths
    cross join channels_by_number

)
{%- endmacro %}
