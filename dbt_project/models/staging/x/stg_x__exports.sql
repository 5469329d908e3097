with landed_loads as (

    select * from {{ ref('stg_landing__loads') }}
    where source_name = 'x' and load_status = 'landed'

),

-- A list that nobody joined or left is the same file in two archives: it lands once and is of both.
sightings as (

    select distinct
        load_id,
        export_group
    from {{ source('landing', 'files') }}

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
        sightings.export_group,
        min(named_accounts.account_id) as account_id
    from named_accounts
    inner join sightings on named_accounts._load_id = sightings.load_id
    group by sightings.export_group
    having count(distinct named_accounts.account_id) = 1

),

-- With two manifests in one folder nobody knows which file is of which archive: neither dates it.
date_of_each_group as (

    select
        sightings.export_group,
        min(manifests.generated_at) as generated_at
    from manifests
    inner join sightings on manifests._load_id = sightings.load_id
    group by sightings.export_group
    having count(*) = 1

),

sighted_loads as (

    select
        landed_loads.load_id,
        landed_loads.table_name,
        landed_loads.export_rank as landed_export_rank,
        landed_loads.exported_at as landed_exported_at,
        account_of_each_group.account_id,
        case
            when landed_loads.table_name not in ('analytics_overview', 'analytics_content')
                then date_of_each_group.generated_at
        end as generated_at
    from landed_loads
    inner join sightings on landed_loads.load_id = sightings.load_id
    left join account_of_each_group
        on sightings.export_group = account_of_each_group.export_group
    left join date_of_each_group
        on sightings.export_group = date_of_each_group.export_group

),

sighted_loads_with_what_others_say as (

    select
        *,
        min(account_id) over (partition by load_id) as account_of_another_group,
        max(generated_at) over (partition by load_id) as last_generated_at
    from sighted_loads

),

-- A folder without a date adds nothing to a file that an archive dates.
final as (

    select distinct
        sighted.load_id,
        coalesce(
            sighted.account_id,
            sighted.account_of_another_group,
            only_account.account_id,
            '(this account)'
        ) as account_id,
        sighted.table_name,
        sighted.landed_export_rank,
        coalesce(sighted.generated_at, sighted.landed_exported_at) as exported_at
    from sighted_loads_with_what_others_say as sighted
    cross join only_account
    where sighted.generated_at is not null or sighted.last_generated_at is null

)

select * from final
