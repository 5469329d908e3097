with paths as (

    select * from {{ ref('int_paths') }}

),

parts as (
    {{ text_parts(
        'paths', 'journey_path', ' > ', 'channel_id', 'step_position', key='path_number'
    ) }}
),

distinct_channels as (

    select distinct channel_id from parts

),

numbered_channels as (

    select
        channel_id,
        cast(row_number() over (order by channel_id asc nulls last) as bigint) as channel_number
    from distinct_channels

),

steps as (

    select
        parts.path_number,
        cast(parts.step_position as integer) as step_position,
        parts.channel_id,
        numbered_channels.channel_number
    from parts
    inner join numbered_channels
        on parts.channel_id = numbered_channels.channel_id

),

steps_with_channels_before as (

    select
        *,
        {%- for steps_back in range(1, 5) %}
        coalesce(
            lag(channel_number, {{ steps_back }}) over (
                partition by path_number order by step_position asc nulls last
            ),
            0
        ) as channel_{{ steps_back }}_before,
        {%- endfor %}
        lead(step_position) over (
            partition by path_number order by step_position asc nulls last
        ) as next_step_position
    from steps

),

final as (

    select
        path_number,
        step_position,
        channel_id,
        channel_number,
        channel_4_before * 1000000000
        + channel_3_before * 1000000
        + channel_2_before * 1000
        + channel_1_before as from_channels,
        channel_3_before * 1000000000
        + channel_2_before * 1000000
        + channel_1_before * 1000
        + channel_number as to_channels,
        next_step_position is null as is_last_step
    from steps_with_channels_before

)

select * from final
