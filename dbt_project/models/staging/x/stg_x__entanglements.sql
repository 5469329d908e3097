with followers as (

    select * from {{ ref('stg_x__followers') }}

),

exports as (

    select * from {{ ref('stg_x__exports') }}

),

-- A list that two archives share shows who stood at the time of each.
final as (

    select
        cast('x' as string) as platform_id,
        cast(exports.account_id as string) as account_id,
        cast('x_account' as string) as identifier_type,
        cast(followers.follower_account_id as string) as identifier_value,
        cast(null as string) as spell_id,
        cast('listed' as string) as entanglement_event,
        cast(exports.exported_at as timestamp) as occurred_at,
        cast('listed' as string) as known_as,
        cast(min(followers._load_id) as bigint) as _load_id
    from followers
    inner join exports on followers._load_id = exports.load_id
    group by exports.account_id, followers.follower_account_id, exports.exported_at

)

select * from final
