with declared_tables as (

    select * from {{ ref('stg_landing__sources') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

named_tables as (

    select
        source_name,
        table_name,
        expected_within_days,
        concat(source_name, '.', table_name) as spec_name
    from declared_tables

),

-- A quiet list's latest change is old however new its file, and its file may be one of long ago.
landed_by_table as (

    select
        concat(source_name, '.', table_name) as spec_name,
        count(*) as file_count,
        max(last_modified_at) as newest_file_at,
        max(exported_at) as newest_covered_at,
        max(greatest(last_modified_at, exported_at)) as newest_at
    from loads
    where load_status = 'landed'
    group by concat(source_name, '.', table_name)

),

horizon as (

    select max(newest_at) as horizon_at from landed_by_table

),

refused_since as (

    select
        loads.nearest_spec,
        count(*) as refused_file_count,
        max(loads.last_modified_at) as refused_at,
        min(loads.refusal_reason) as refusal_reason
    from loads
    left join landed_by_table on loads.nearest_spec = landed_by_table.spec_name
    where
        loads.load_status = 'refused'
        and loads.nearest_spec is not null
        and (
            landed_by_table.newest_file_at is null
            or loads.last_modified_at > landed_by_table.newest_file_at
        )
    group by loads.nearest_spec

),

tables_with_files as (

    select
        named_tables.source_name,
        named_tables.table_name,
        named_tables.expected_within_days,
        landed_by_table.file_count,
        landed_by_table.newest_file_at,
        landed_by_table.newest_covered_at,
        landed_by_table.newest_at,
        refused_since.refused_file_count,
        refused_since.refused_at,
        refused_since.refusal_reason,
        cast(landed_by_table.newest_at as date) as newest_date,
        cast(horizon.horizon_at as date) as horizon_date
    from named_tables
    cross join horizon
    left join landed_by_table on named_tables.spec_name = landed_by_table.spec_name
    left join refused_since on named_tables.spec_name = refused_since.nearest_spec

),

aged_tables as (

    select
        *,
        {{ days_between('newest_date', 'horizon_date') }} as days_since
    from tables_with_files

),

final as (

    select
        {{ surrogate_key(['source_name', 'table_name']) }} as source_table_key,
        source_name,
        table_name,
        case
            when refused_file_count is not null then 'refused_since'
            when newest_at is null then 'never'
            when days_since > expected_within_days then 'stale'
            else 'fresh'
        end as freshness_status,
        {{ addresses_masked('refusal_reason') }} as refusal_reason,
        cast(coalesce(file_count, 0) as bigint) as file_count,
        cast(coalesce(refused_file_count, 0) as bigint) as refused_file_count,
        cast(expected_within_days as bigint) as expected_within_days,
        cast(days_since as bigint) as days_since,
        cast(newest_file_at as timestamp) as newest_file_at,
        cast(newest_covered_at as timestamp) as newest_covered_at,
        cast(newest_at as timestamp) as newest_at,
        cast(refused_at as timestamp) as refused_at
    from aged_tables

)

select * from final
