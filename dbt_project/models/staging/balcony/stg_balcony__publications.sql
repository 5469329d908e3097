with publications as (

    select * from {{ source('balcony', 'publications') }}

),

final as (

    select
        publication_id,
        run_id,
        table_count,
        row_count,
        published_at,
        removed_at
    from publications

)

select * from final
