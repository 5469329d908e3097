with overview as (

    select * from {{ source('x', 'analytics_overview') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

typed_days as (

    select
        {{ written_date('x', 'analytics_overview', 'date') }} as reported_date,
        {{ try_number('impressions') }} as impressions,
        {{ try_number('likes') }} as like_count,
        {{ try_number('engagements') }} as platform_engagements,
        {{ try_number('bookmarks') }} as bookmark_count,
        {{ try_number('shares') }} as share_count,
        {{ try_number('new_follows') }} as new_follows,
        {{ try_number('unfollows') }} as unfollows,
        {{ try_number('replies') }} as reply_count,
        {{ try_number('reposts') }} as repost_count,
        {{ try_number('profile_visits') }} as profile_visits,
        {{ try_number('create_post') }} as created_posts,
        {{ try_number('video_views') }} as video_views,
        {{ try_number('media_views') }} as media_views,
        {{ utc_time('x', 'analytics_overview', 'date') }} as day_started_at,
        _load_id,
        _source_row_number
    from overview

),

ranked_days as (

    select
        typed_days.*,
        loads.account_id,
        typed_days.reported_date
        = max(typed_days.reported_date) over (partition by typed_days._load_id) as is_provisional,
        {{ later_export_wins(['loads.account_id', 'reported_date']) }} as export_recency
    from typed_days
    inner join loads on typed_days._load_id = loads.load_id

),

final as (

    select
        account_id,
        reported_date,
        impressions,
        like_count,
        platform_engagements,
        bookmark_count,
        share_count,
        new_follows,
        unfollows,
        reply_count,
        repost_count,
        profile_visits,
        created_posts,
        video_views,
        media_views,
        is_provisional,
        day_started_at,
        _load_id,
        _source_row_number
    from ranked_days
    where export_recency = 1

)

select * from final
