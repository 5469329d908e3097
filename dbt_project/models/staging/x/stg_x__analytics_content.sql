with contents as (

    select * from {{ source('x', 'analytics_content') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

-- The export does not say what a post answers; X starts a reply with the handles that it answers.
typed_contents as (

    select
        trim(post_id) as post_id,
        case when trim(post_text) like '@%' then 'reply' else 'post' end as post_kind,
        {{ try_number('impressions') }} as impressions,
        {{ try_number('likes') }} as like_count,
        {{ try_number('engagements') }} as platform_engagements,
        {{ try_number('bookmarks') }} as bookmark_count,
        {{ try_number('shares') }} as share_count,
        {{ try_number('new_follows') }} as new_follows,
        {{ try_number('replies') }} as reply_count,
        {{ try_number('reposts') }} as repost_count,
        {{ try_number('profile_visits') }} as profile_visits,
        {{ try_number('detail_expands') }} as detail_expands,
        {{ try_number('url_clicks') }} as url_clicks,
        {{ try_number('hashtag_clicks') }} as hashtag_clicks,
        {{ try_number('permalink_clicks') }} as permalink_clicks,
        {{ utc_time('x', 'analytics_content', 'date') }} as day_started_at,
        _load_id,
        _source_row_number
    from contents

),

ranked_contents as (

    select
        typed_contents.*,
        loads.account_id,
        loads.exported_at,
        {{ later_export_wins(['post_id']) }} as export_recency
    from typed_contents
    inner join loads on typed_contents._load_id = loads.load_id

),

final as (

    select
        post_id,
        account_id,
        post_kind,
        impressions,
        like_count,
        platform_engagements,
        bookmark_count,
        share_count,
        new_follows,
        reply_count,
        repost_count,
        profile_visits,
        detail_expands,
        url_clicks,
        hashtag_clicks,
        permalink_clicks,
        day_started_at,
        exported_at,
        _load_id,
        _source_row_number
    from ranked_contents
    where export_recency = 1

)

select * from final
