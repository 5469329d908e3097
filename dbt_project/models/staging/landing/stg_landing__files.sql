with files as (

    select * from {{ source('landing', 'files') }}

),

final as (

    select
        file_name,
        member_name,
        file_sha256,
        file_outcome,
        load_id,
        byte_count,
        modified_at,
        first_seen_at
    from files

)

select * from final
