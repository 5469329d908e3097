with landed_loads as (

    select * from {{ ref('stg_landing__loads') }}
    where source_name = 'x' and load_status = 'landed'

),

manifests as (

    select * from {{ ref('stg_x__archive_manifests') }}

),

accounts as (

    select * from {{ ref('stg_x__accounts') }}

),

named_accounts as (

    select
        _load_id,
        account_id
    from manifests
    where account_id is not null

    union all

    select
        _load_id,
        account_id
    from accounts

),

only_account as (

    select case when count(distinct account_id) = 1 then min(account_id) end as account_id
    from named_accounts

),

account_of_each_group as (

    select
        landed_loads.export_group,
        min(named_accounts.account_id) as account_id
    from named_accounts
    inner join landed_loads on named_accounts._load_id = landed_loads.load_id
    group by landed_loads.export_group
    having count(distinct named_accounts.account_id) = 1

),

-- With two manifests in one folder nobody knows which file is of which archive: neither dates it.
date_of_each_group as (

    select
        landed_loads.export_group,
        min(manifests.generated_at) as generated_at
    from manifests
    inner join landed_loads on manifests._load_id = landed_loads.load_id
    group by landed_loads.export_group
    having count(*) = 1

),

dated_loads as (

    select
        landed_loads.load_id,
        coalesce(
            account_of_each_group.account_id, only_account.account_id, '(this account)'
        ) as account_id,
        landed_loads.table_name,
        landed_loads.export_group,
        landed_loads.export_rank as landed_export_rank,
        case
            when landed_loads.table_name not in ('analytics_overview', 'analytics_content')
                then date_of_each_group.generated_at
        end as generated_at,
        landed_loads.exported_at as landed_exported_at
    from landed_loads
    cross join only_account
    left join account_of_each_group
        on landed_loads.export_group = account_of_each_group.export_group
    left join date_of_each_group
        on landed_loads.export_group = date_of_each_group.export_group

),

-- A big archive cuts one list into several files; together they are one snapshot.
final as (

    select
        load_id,
        case
            when generated_at is not null
                then min(load_id) over (partition by table_name, export_group)
            else load_id
        end as snapshot_load_id,
        account_id,
        table_name,
        row_number() over (
            partition by table_name
            order by
                coalesce(generated_at, landed_exported_at) asc nulls first,
                landed_export_rank asc nulls first
        ) as export_rank,
        coalesce(generated_at, landed_exported_at) as exported_at
    from dated_loads

)

select * from final
