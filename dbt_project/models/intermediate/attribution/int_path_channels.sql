with path_steps as (

    select * from {{ ref('int_path_steps') }}

),

first_visits as (

    select
        path_number,
        channel_number,
        min(channel_id) as channel_id,
        min(step_position) as first_step_position
    from path_steps
    group by path_number, channel_number

),

visits_with_position as (

    select
        path_number,
        channel_id,
        channel_number,
        row_number() over (
            partition by path_number order by first_step_position asc nulls last
        ) as channel_position,
        count(*) over (partition by path_number) as distinct_channel_count
    from first_visits

),

final as (

    select
        path_number,
        channel_id,
        channel_number,
        cast(channel_position as integer) as channel_position,
        cast(distinct_channel_count as integer) as distinct_channel_count,
        distinct_channel_count = 1 and channel_id = '(direct)' as is_direct_only
    from visits_with_position

)

select * from final
