with bounds as (

    select * from {{ source('measurement', 'influence_bounds') }}

),

final as (

    select
        {{ surrogate_key(['period', 'scope', 'estimand', 'level', 'method']) }}
            as influence_bound_key,
        period,
        scope,
        estimand,
        level,
        method,
        lower,
        point,
        upper,
        ci_lower,
        ci_upper,
        conversion_count,
        assumption_ids,
        status,
        reason,
        month_date
    from bounds

)

select * from final
