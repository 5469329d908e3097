with accounts as (

    select * from {{ ref('stg_mastodon__accounts') }}

),

outbox_activities as (

    select * from {{ ref('stg_mastodon__outbox_activities') }}

),

notifications as (

    select * from {{ ref('stg_mastodon__notifications') }}

),

accounts_seen as (

    select account_id from accounts

    union

    select account_id from outbox_activities

    union

    select account_id from notifications

),

final as (

    select
        account_id,
        count(*) over () = 1 as is_only_account
    from accounts_seen
    where account_id is not null

)

select * from final
