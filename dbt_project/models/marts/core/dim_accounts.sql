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
final as (

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

)

select * from final
