with members as (

    select * from {{ source('mailchimp', 'unsubscribed') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

final as (

    select
        {{ mailchimp_member('members') }} as member_id,
        {{ person_hash('members.email_address') }} as email_hash,
        try_cast(members.member_rating as integer) as member_rating,
        nullif(trim(members.unsub_campaign_id), '') as unsubscribed_campaign_id,
        nullif(trim(members.unsub_reason), '') as unsubscribe_reason,
        {{ utc_time('mailchimp', 'unsubscribed', 'unsub_time', 'members') }} as unsubscribed_at,
        {{ utc_time('mailchimp', 'unsubscribed', 'optin_time', 'members') }} as opted_in_at,
        {{ utc_time('mailchimp', 'unsubscribed', 'confirm_time', 'members') }} as confirmed_at,
        members._load_id,
        members._source_row_number
    from members
    cross join identity_keys

)

select * from final
