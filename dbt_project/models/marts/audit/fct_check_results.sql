-- A view: the checks of the marts run after these are built, and the publication copies the result.
{{ config(materialized='view') }}

with check_results as (

    select * from {{ ref('stg_balcony__check_results') }}

),

final as (

    select
        {{ surrogate_key(['run_id', 'layer_name', 'suite_name', 'relation_name', 'check_name']) }}
            as check_result_key,
        run_id,
        layer_name,
        suite_name,
        relation_name,
        check_name,
        severity,
        {{ addresses_masked('details') }} as details,
        cast(unexpected_count as bigint) as unexpected_count,
        cast(is_passed as boolean) as is_passed,
        cast(checked_at as timestamp) as checked_at
    from check_results

)

select * from final
