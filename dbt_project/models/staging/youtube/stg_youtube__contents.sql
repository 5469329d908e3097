with table_data as (

    select * from {{ ref('stg_youtube__table_data') }}
    where video_id is not null

),

chart_data as (

    select * from {{ ref('stg_youtube__chart_data') }}
    where video_id is not null

),

listed_videos as (

    select
        video_id,
        published_at,
        exported_at
    from table_data

    union all

    select distinct
        video_id,
        published_at,
        exported_at
    from chart_data

),

-- A deleted video keeps its id and loses its day of publication: an older export may still know it.
ranked_videos as (

    select
        video_id,
        published_at,
        row_number() over (
            partition by video_id
            order by
                case when published_at is null then 1 else 0 end asc nulls last,
                exported_at desc nulls last,
                published_at desc nulls last
        ) as export_recency
    from listed_videos

),

final as (

    select
        cast('youtube' as string) as platform_id,
        cast(video_id as string) as content_id,
        cast('(this account)' as string) as account_id,
        cast('video' as string) as content_kind,
        cast(concat('https://www.youtube.com/watch?v=', video_id) as string) as content_url,
        cast(published_at as timestamp) as published_at
    from ranked_videos
    where export_recency = 1

)

select * from final
