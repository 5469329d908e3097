with channels as (

    select * from {{ ref('channels') }}

),

channels_and_absences as (

    select
        channel_id,
        channel_name,
        platform_id,
        'channel' as channel_kind
    from channels

    union all

    select
        '(direct)' as channel_id,
        'Direct' as channel_name,
        cast(null as string) as platform_id,
        'direct' as channel_kind

    union all

    select
        '(no touch)' as channel_id,
        'Known to have had no touch' as channel_name,
        cast(null as string) as platform_id,
        'no_touch' as channel_kind

    union all

    select
        '(unknown)' as channel_id,
        'Unknown' as channel_name,
        cast(null as string) as platform_id,
        'unknown' as channel_kind

),

final as (

    select
        cast(channel_id as string) as channel_id,
        cast(platform_id as string) as platform_id,
        cast(channel_name as string) as channel_name,
        channel_kind
    from channels_and_absences

)

select * from final
