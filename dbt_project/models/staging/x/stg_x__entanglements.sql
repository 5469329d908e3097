with followers as (

    select * from {{ ref('stg_x__followers') }}

),

final as (

    select
        cast('x' as string) as platform_id,
        cast(account_id as string) as account_id,
        cast('x_account' as string) as identifier_type,
        cast(follower_account_id as string) as identifier_value,
        cast(null as string) as spell_id,
        cast('listed' as string) as entanglement_event,
        cast(max(listed_at) as timestamp) as occurred_at,
        cast('listed' as string) as known_as,
        cast(snapshot_load_id as bigint) as _load_id
    from followers
    group by account_id, follower_account_id, snapshot_load_id

)

select * from final
