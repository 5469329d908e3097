with paths as (

    select
        path_number,
        split(journey_path, ' > ') as channel_ids
    from {{ ref('int_paths') }}

),

steps as (
    {{ list_rows('paths', 'path_number', 'channel_ids', 'channel_id', 'step_position') }}
),

distinct_channels as (

    select distinct channel_id from steps

),

final as (

    select
        cast(row_number() over (order by channel_id asc nulls last) as bigint) as channel_number,
        channel_id
    from distinct_channels

)

select * from final
