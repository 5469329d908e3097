with followings as (

    select * from {{ ref('stg_x__followings') }}

),

latest_lists as (

    select
        account_id,
        max(listed_at) as listed_at
    from followings
    group by account_id

),

final as (

    select distinct
        'x' as platform_id,
        followings.account_id,
        'x_account' as identifier_type,
        followings.followed_account_id as identifier_value
    from followings
    inner join latest_lists
        on
            followings.account_id = latest_lists.account_id
            and followings.listed_at = latest_lists.listed_at

)

select * from final
