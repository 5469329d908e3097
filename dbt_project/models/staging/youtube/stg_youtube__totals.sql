with totals as (

    select * from {{ source('youtube', 'totals') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

typed_days as (

    select
        {{ written_date('youtube', 'totals', 'date') }} as reported_date,
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
        _load_id,
        _source_row_number
    from totals

),

final as (

    select
        typed_days.reported_date,
        typed_days.view_count,
        typed_days.engaged_views,
        typed_days.watch_time_hours,
        typed_days.average_view_duration_seconds,
        typed_days.average_percentage_viewed_share,
        typed_days.stayed_to_watch_share,
        typed_days.impressions,
        typed_days.impressions_click_through_share,
        typed_days.unique_viewers,
        typed_days.new_viewers,
        typed_days.returning_viewers,
        typed_days.casual_viewers,
        typed_days.regular_viewers,
        typed_days.subscribers_net,
        typed_days.subscribers_gained,
        typed_days.subscribers_lost,
        typed_days.likes,
        typed_days.dislikes,
        typed_days.comments_added,
        typed_days.share_count,
        typed_days.reported_date
        = max(typed_days.reported_date) over (partition by typed_days._load_id) as is_provisional,
        loads.exported_at,
        loads.export_rank,
        typed_days._load_id,
        typed_days._source_row_number
    from typed_days
    inner join loads on typed_days._load_id = loads.load_id

)

select * from final
