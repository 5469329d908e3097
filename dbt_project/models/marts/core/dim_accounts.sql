with contents as (

    select * from {{ ref('int_contents') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

-- No export lists the accounts: an account is what any record names.
accounts as (

    select
        account_key,
        account_id,
        platform_id
    from contents

    union distinct

    select
        account_key,
        account_id,
        platform_id
    from activities

    union distinct

    select
        account_key,
        account_id,
        platform_id
    from metrics

    union distinct

    select
        account_key,
        account_id,
        platform_id
    from spells

    union distinct

    select
        account_key,
        account_id,
        platform_id
    from entanglement_days

),

-- A federated account is written user@host, which no reader and no check could tell from an e-mail
-- address.
final as (

    select
        account_key,
        case
            when account_id like '%@%'
                then
                    concat(
                        {{ regexp_group('account_id', '@([^@]+)$') }},
                        '/@',
                        {{ regexp_group('account_id', '^(.+)@[^@]+$') }}
                    )
            else account_id
        end as account_id,
        platform_id
    from accounts

)

select * from final
