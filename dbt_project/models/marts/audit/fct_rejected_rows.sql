with rejected_rows as (

    select * from {{ ref('stg_landing__rejected_rows') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

-- Where the reader lost count of the records, several rejects of a load have no number.
numbered_rejected_rows as (

    select
        load_id,
        source_row_number,
        rejection_reason,
        row_number() over (
            partition by load_id, source_row_number
            order by rejection_reason asc nulls last, record_hash asc nulls last
        ) as reject_number
    from rejected_rows

),

final as (

    select
        {{ surrogate_key([
            'loads.file_sha256', 'numbered_rejected_rows.source_row_number',
            'numbered_rejected_rows.reject_number',
        ]) }} as rejected_row_key,
        cast(numbered_rejected_rows.load_id as bigint) as load_id,
        loads.source_name,
        loads.table_name,
        {{ addresses_masked('numbered_rejected_rows.rejection_reason') }} as rejection_reason,
        cast(numbered_rejected_rows.source_row_number as bigint) as source_row_number,
        cast(loads.landed_at as timestamp) as landed_at
    from numbered_rejected_rows
    left join loads on numbered_rejected_rows.load_id = loads.load_id

)

select * from final
