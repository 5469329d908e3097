with members as (

    select * from {{ source('mailchimp', 'subscribed') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

final as (

    select
        {{ mailchimp_member('members') }} as member_id,
        {{ person_hash('members.email_address') }} as email_hash,
        try_cast(members.member_rating as integer) as member_rating,
        {{ utc_time('mailchimp', 'subscribed', 'last_changed', 'members') }} as changed_at,
        {{ utc_time('mailchimp', 'subscribed', 'optin_time', 'members') }} as opted_in_at,
        {{ utc_time('mailchimp', 'subscribed', 'confirm_time', 'members') }} as confirmed_at,
        members._load_id,
        members._source_row_number
    from members
    cross join identity_keys

)

select * from final
