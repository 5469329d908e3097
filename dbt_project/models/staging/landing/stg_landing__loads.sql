with loads as (

    select * from {{ source('landing', 'loads') }}

),

dated_loads as (

    select
        load_id,
        file_sha256,
        source_name,
        table_name,
        spec_version,
        load_status,
        refusal_reason,
        nearest_spec,
        file_name,
        container_path,
        export_group,
        byte_count,
        rows_read_count,
        rows_landed_count,
        rows_quarantined_count,
        coalesce(rows_erased_count, 0) as rows_erased_count,
        unknown_columns,
        archive_state,
        modified_at,
        landed_at,
        coalesce(cast(covers_until_text as timestamp), modified_at) as exported_at
    from loads

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
