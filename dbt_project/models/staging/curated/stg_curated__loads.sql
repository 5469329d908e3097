with landed_loads as (

    select * from {{ ref('stg_landing__loads') }}
    where source_name = 'curated' and load_status = 'landed'

),

subscribers as (

    select * from {{ ref('stg_curated__subscribers') }}

),

lists as (

    select
        load_id,
        file_sha256,
        exported_at as listed_at,
        rows_quarantined_count = 0 as is_whole_list
    from landed_loads

),

listings as (

    select
        _load_id as load_id,
        subscription_id
    from subscribers

),

{{ newsletter_accounts() }},

final as (

    select
        lists.load_id,
        list_accounts.account_id,
        lists.is_whole_list,
        lists.listed_at as exported_at
    from lists
    inner join list_accounts on lists.load_id = list_accounts.load_id

)

select * from final
