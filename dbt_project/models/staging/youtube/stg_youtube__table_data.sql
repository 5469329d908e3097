with table_data as (

    select * from {{ source('youtube', 'table_data') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

-- What is no video id is the total or the line that says how many rows were left out.
typed_rows as (

    select
        case
            when {{ regexp_matches_text('trim(content)', '^[A-Za-z0-9_-]{11}$') }}
                then trim(content)
        end as video_id,
        {{ duration_seconds('duration') }} as duration_seconds,
        {{ try_number('views') }} as view_count,
        {{ try_number('engaged_views') }} as engaged_views,
        {{ try_number('watch_time_hours') }} as watch_time_hours,
        {{ duration_seconds('average_view_duration') }} as average_view_duration_seconds,
        {{ try_number('average_percentage_viewed') }}
        * 0.01 as average_percentage_viewed_share,
        {{ try_number('stayed_to_watch') }}
        * 0.01 as stayed_to_watch_share,
        {{ try_number('impressions') }} as impressions,
        {{ try_number('impressions_click_through_rate') }}
        * 0.01 as impressions_click_through_share,
        {{ try_number('unique_viewers') }} as unique_viewers,
        {{ try_number('new_viewers') }} as new_viewers,
        {{ try_number('returning_viewers') }} as returning_viewers,
        {{ try_number('casual_viewers') }} as casual_viewers,
        {{ try_number('regular_viewers') }} as regular_viewers,
        {{ try_number('subscribers') }} as subscribers_net,
        {{ try_number('subscribers_gained') }} as subscribers_gained,
        {{ try_number('subscribers_lost') }} as subscribers_lost,
        {{ try_number('likes') }} as likes,
        {{ try_number('dislikes') }} as dislikes,
        {{ try_number('comments_added') }} as comments_added,
        {{ try_number('shares') }} as share_count,
        {{ utc_time('youtube', 'table_data', 'video_publish_time') }} as published_at,
        _load_id,
        _source_row_number
    from table_data

),

final as (

    select
        typed_rows.video_id,
        typed_rows.duration_seconds,
        typed_rows.view_count,
        typed_rows.engaged_views,
        typed_rows.watch_time_hours,
        typed_rows.average_view_duration_seconds,
        typed_rows.average_percentage_viewed_share,
        typed_rows.stayed_to_watch_share,
        typed_rows.impressions,
        typed_rows.impressions_click_through_share,
        typed_rows.unique_viewers,
        typed_rows.new_viewers,
        typed_rows.returning_viewers,
        typed_rows.casual_viewers,
        typed_rows.regular_viewers,
        typed_rows.subscribers_net,
        typed_rows.subscribers_gained,
        typed_rows.subscribers_lost,
        typed_rows.likes,
        typed_rows.dislikes,
        typed_rows.comments_added,
        typed_rows.share_count,
        typed_rows.published_at,
        loads.exported_at,
        loads.export_rank,
        typed_rows._load_id,
        typed_rows._source_row_number
    from typed_rows
    inner join loads on typed_rows._load_id = loads.load_id

)

select * from final
