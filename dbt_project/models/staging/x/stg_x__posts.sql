with posts as (

    select * from {{ source('x', 'posts') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

typed_posts as (

    select
        trim(post_id) as post_id,
        case
            when trim(in_reply_to_user_id) <> '' or trim(in_reply_to_status_id) <> '' then 'reply'
            when full_text like 'RT @%' then 'repost'
            else 'post'
        end as post_kind,
        nullif(trim(in_reply_to_status_id), '') as in_reply_to_post_id,
        nullif(trim(in_reply_to_user_id), '') as in_reply_to_account_id,
        nullif(trim(lang), '') as language_code,
        cast({{ try_number('favorite_count') }} as bigint) as like_count,
        cast({{ try_number('retweet_count') }} as bigint) as repost_count,
        {{ utc_time('x', 'posts', 'created_at') }} as posted_at,
        _load_id,
        _source_row_number
    from posts

),

ranked_posts as (

    select
        typed_posts.*,
        loads.account_id,
        loads.exported_at,
        {{ later_export_wins(['post_id']) }} as export_recency
    from typed_posts
    inner join loads on typed_posts._load_id = loads.load_id

),

final as (

    select
        post_id,
        account_id,
        post_kind,
        in_reply_to_post_id,
        in_reply_to_account_id,
        language_code,
        like_count,
        repost_count,
        posted_at,
        exported_at,
        _load_id,
        _source_row_number
    from ranked_posts
    where export_recency = 1

)

select * from final
