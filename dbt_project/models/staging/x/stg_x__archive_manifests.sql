with manifests as (

    select * from {{ source('x', 'archive_manifests') }}

),

final as (

    select
        _load_id,
        nullif(trim(account_id), '') as account_id,
        lower(trim(is_partial_archive)) = 'true' as is_partial,
        {{ utc_time('x', 'archive_manifests', 'generation_date') }} as generated_at,
        _source_row_number
    from manifests

)

select * from final
