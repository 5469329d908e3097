with files as (

    select * from {{ ref('stg_landing__files') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

-- A copy is not landed again: the rows of its content stand at the file that brought it first.
final as (

    select
        {{ surrogate_key(['files.file_name', 'files.member_name', 'files.file_sha256']) }}
            as landed_file_key,
        cast(files.load_id as bigint) as load_id,
        files.file_sha256,
        {{ addresses_masked('files.file_name') }} as file_name,
        {{ addresses_masked('files.member_name') }} as member_name,
        files.file_outcome,
        loads.source_name,
        loads.table_name,
        {{ addresses_masked('loads.refusal_reason') }} as refusal_reason,
        loads.nearest_spec,
        {{ addresses_masked('loads.unknown_columns') }} as unknown_columns,
        loads.archive_state,
        cast(files.byte_count as bigint) as byte_count,
        {%- for rows in ['read', 'landed', 'quarantined', 'erased'] %}
        case when files.file_outcome = 'landed' then cast(loads.rows_{{ rows }}_count as bigint) end
            as rows_{{ rows }}_count,
        {%- endfor %}
        cast(loads.exported_at as timestamp) as exported_at,
        cast(files.modified_at as timestamp) as modified_at,
        cast(files.first_seen_at as timestamp) as first_seen_at,
        cast(loads.landed_at as timestamp) as landed_at
    from files
    left join loads on files.load_id = loads.load_id

)

select * from final
