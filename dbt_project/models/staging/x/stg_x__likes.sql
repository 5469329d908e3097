with likes as (

    select * from {{ source('x', 'likes') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

final as (

    select
        loads.account_id,
        trim(likes.post_id) as liked_post_id,
        loads.exported_at as listed_at,
        likes._load_id,
        likes._source_row_number
    from likes
    inner join loads on likes._load_id = loads.load_id

)

select * from final
