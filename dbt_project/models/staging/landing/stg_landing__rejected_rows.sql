with rejected_rows as (

    select * from {{ source('landing', 'rejected_rows') }}

),

-- The record's text stays in raw: it may hold anything.
final as (

    select
        load_id,
        source_row_number,
        rejection_reason,
        md5(coalesce(raw_text, '')) as record_hash
    from rejected_rows

)

select * from final
