with notifications as (

    select * from {{ ref('stg_mastodon__notifications') }}

),

-- Grouped notifications name no sender, so only senders of single ones can say that they are bots.
final as (

    select distinct
        'mastodon_account' as identifier_type,
        sender_account_id as identifier_value
    from notifications
    where is_sender_bot and sender_account_id is not null

)

select * from final
