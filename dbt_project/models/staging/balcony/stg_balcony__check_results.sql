with check_results as (

    select * from {{ source('balcony', 'check_results') }}

),

final as (

    select
        run_id,
        layer_name,
        suite_name,
        relation_name,
        check_name,
        severity,
        is_passed,
        unexpected_count,
        details,
        checked_at
    from check_results

)

select * from final
