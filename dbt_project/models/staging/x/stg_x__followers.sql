with followers as (

    select * from {{ source('x', 'followers') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

final as (

    select
        loads.account_id,
        trim(followers.account_id) as follower_account_id,
        loads.exported_at as listed_at,
        followers._load_id,
        followers._source_row_number
    from followers
    inner join loads on followers._load_id = loads.load_id

)

select * from final
