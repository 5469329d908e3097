with followings as (

    select * from {{ source('x', 'followings') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

final as (

    select
        loads.account_id,
        trim(followings.account_id) as followed_account_id,
        loads.exported_at as listed_at,
        followings._load_id,
        followings._source_row_number
    from followings
    inner join loads on followings._load_id = loads.load_id

)

select * from final
