with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

paths as (

    select distinct journey_path from path_counts

),

parts as (
    {{ text_parts('paths', 'journey_path', ' > ', 'channel_id', 'step_position') }}
),

steps_with_last_channels as (

    select
        journey_path,
        step_position,
        channel_id,
        lag(channel_id, 1) over (
            partition by journey_path order by step_position asc nulls last
        ) as channel_1_before,
        lag(channel_id, 2) over (
            partition by journey_path order by step_position asc nulls last
        ) as channel_2_before,
        lag(channel_id, 3) over (
            partition by journey_path order by step_position asc nulls last
        ) as channel_3_before,
        lead(step_position) over (
            partition by journey_path order by step_position asc nulls last
        ) as next_step_position,
        row_number() over (
            partition by journey_path, channel_id order by step_position asc nulls last
        ) as visit_number
    from parts

),

steps_with_distinct_channels as (

    select
        *,
        sum(case when visit_number = 1 then 1 else 0 end) over (
            partition by journey_path
            order by step_position asc nulls last
            rows between unbounded preceding and current row
        ) as distinct_channels_so_far,
        sum(case when visit_number = 1 then 1 else 0 end) over (
            partition by journey_path
        ) as distinct_channel_count,
        sum(case when channel_id = '(direct)' then 0 else 1 end) over (
            partition by journey_path
        ) as named_step_count
    from steps_with_last_channels

),

final as (

    select
        journey_path,
        cast(step_position as bigint) as step_position,
        channel_id,
        case when channel_1_before is not null then concat(channel_1_before, ' > ', channel_id) end
            as last_2_channels,
        case
            when channel_2_before is not null
                then concat(channel_2_before, ' > ', channel_1_before, ' > ', channel_id)
        end as last_3_channels,
        case
            when channel_3_before is not null
                then
                    concat(
                        channel_3_before,
                        ' > ',
                        channel_2_before,
                        ' > ',
                        channel_1_before,
                        ' > ',
                        channel_id
                    )
        end as last_4_channels,
        cast(case when visit_number = 1 then distinct_channels_so_far end as bigint)
            as channel_position,
        cast(distinct_channel_count as bigint) as distinct_channel_count,
        next_step_position is null as is_last_step,
        named_step_count = 0 as is_direct_only
    from steps_with_distinct_channels

)

select * from final
