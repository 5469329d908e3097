with loads as (

    select * from {{ source('landing', 'loads') }}

),

-- A content that came with several exports stood from the earliest on, whichever arrived first.
sightings as (

    select
        load_id,
        min(modified_at) as first_modified_at,
        max(modified_at) as last_modified_at
    from {{ source('landing', 'files') }}
    where load_id is not null
    group by load_id

),

dated_loads as (

    select
        loads.load_id,
        loads.file_sha256,
        loads.source_name,
        loads.table_name,
        loads.spec_version,
        loads.load_status,
        loads.refusal_reason,
        loads.nearest_spec,
        loads.file_name,
        loads.container_path,
        loads.byte_count,
        loads.rows_read_count,
        loads.rows_landed_count,
        loads.rows_quarantined_count,
        coalesce(loads.rows_erased_count, 0) as rows_erased_count,
        loads.unknown_columns,
        loads.archive_state,
        least(loads.modified_at, sightings.first_modified_at) as modified_at,
        greatest(loads.modified_at, sightings.last_modified_at) as last_modified_at,
        loads.landed_at,
        coalesce(
            cast(loads.covers_until_text as timestamp),
            least(loads.modified_at, sightings.first_modified_at)
        ) as exported_at
    from loads
    left join sightings on loads.load_id = sightings.load_id

),

-- Later means what the content covers, never when it arrived; the hash breaks a tie for good.
final as (

    select
        *,
        row_number() over (
            partition by source_name, table_name
            order by
                exported_at asc nulls last,
                modified_at asc nulls last,
                file_sha256 asc nulls last
        ) as export_rank
    from dated_loads

)

select * from final
