-- A view: a publication's own row is written when everything else of it is already built.
{{ config(materialized='view') }}

with publications as (

    select * from {{ ref('stg_balcony__publications') }}

),

final as (

    select
        publication_id,
        run_id,
        case when removed_at is null then 'kept' else 'removed' end as publication_state,
        cast(table_count as bigint) as table_count,
        cast(row_count as bigint) as row_count,
        cast(published_at as timestamp) as published_at,
        cast(removed_at as timestamp) as removed_at
    from publications

)

select * from final
