with members as (

    select * from {{ source('mailchimp', 'cleaned') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

final as (

    select
        {{ mailchimp_member('members') }} as member_id,
        {{ person_hash('members.email_address') }} as email_hash,
        try_cast(members.member_rating as integer) as member_rating,
        nullif(trim(members.clean_campaign_id), '') as cleaned_campaign_id,
        {{ utc_time('mailchimp', 'cleaned', 'clean_time', 'members') }} as cleaned_at,
        {{ utc_time('mailchimp', 'cleaned', 'optin_time', 'members') }} as opted_in_at,
        {{ utc_time('mailchimp', 'cleaned', 'confirm_time', 'members') }} as confirmed_at,
        members._load_id,
        members._source_row_number
    from members
    cross join identity_keys

)

select * from final
