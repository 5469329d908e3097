with accounts as (

    select * from {{ source('mastodon', 'accounts') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

final as (

    select
        accounts.actor_url,
        {{ mastodon_account('accounts.actor_url', 'accounts.preferred_username') }} as account_id,
        nullif(trim(accounts.profile_url), '') as profile_url,
        {{ utc_time('mastodon', 'accounts', 'published', 'accounts') }} as created_at,
        loads.exported_at,
        accounts._load_id,
        accounts._source_row_number
    from accounts
    inner join loads on accounts._load_id = loads.load_id

)

select * from final
