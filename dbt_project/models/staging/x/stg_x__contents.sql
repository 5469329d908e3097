with posts as (

    select * from {{ ref('stg_x__posts') }}

),

analytics_contents as (

    select * from {{ ref('stg_x__analytics_content') }}

),

-- The archive wins at any age: it alone knows the second of a post and what it answers.
known_posts as (

    select
        post_id,
        account_id,
        post_kind,
        posted_at
    from posts

    union all

    select
        analytics_contents.post_id,
        analytics_contents.account_id,
        analytics_contents.post_kind,
        analytics_contents.day_started_at as posted_at
    from analytics_contents
    left join posts on analytics_contents.post_id = posts.post_id
    where posts.post_id is null

),

final as (

    select
        cast('x' as string) as platform_id,
        cast(post_id as string) as content_id,
        cast(account_id as string) as account_id,
        cast(post_kind as string) as content_kind,
        cast(concat('https://x.com/i/web/status/', post_id) as string) as content_url,
        cast(posted_at as timestamp) as published_at
    from known_posts

)

select * from final
