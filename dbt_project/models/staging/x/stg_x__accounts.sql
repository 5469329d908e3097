with accounts as (

    select * from {{ source('x', 'accounts') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

final as (

    select
        trim(accounts.account_id) as account_id,
        {{ person_hash('accounts.email') }} as email_hash,
        {{ utc_time('x', 'accounts', 'created_at', 'accounts') }} as registered_at,
        accounts._load_id,
        accounts._source_row_number
    from accounts
    cross join identity_keys

)

select * from final
