with {{ numbered_paths() }},

paths_with_channels as (

    select
        path_number,
        -- sqlfluff reads no lambda of two.
        {{ list_distinct_items('channel_numbers') }} as channel_numbers -- noqa: PRS
    from numbered_paths

),

paths_with_channel_count as (

    select
        *,
        cast({{ list_length('channel_numbers') }} as integer) as distinct_channel_count
    from paths_with_channels

),

channels as (
    {{ list_rows(
        'paths_with_channel_count',
        'path_number, distinct_channel_count',
        'channel_numbers',
        'channel_number',
        'channel_position'
    ) }}
),

final as (

    select
        channels.path_number,
        numbered_channels.channel_id,
        channels.channel_number,
        cast(channels.channel_position as integer) as channel_position,
        channels.distinct_channel_count,
        channels.distinct_channel_count = 1 and numbered_channels.channel_id = '(direct)'
            as is_direct_only
    from channels
    inner join numbered_channels
        on channels.channel_number = numbered_channels.channel_number

)

select * from final
