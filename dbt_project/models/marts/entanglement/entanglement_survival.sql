with curves as (

    select * from {{ source('measurement', 'entanglement_curves') }}

),

final as (

    select
        {{ surrogate_key(['platform_id', 'cohort', 'outcome', 'age_days']) }} as survival_key,
        platform_id,
        cohort,
        outcome,
        age_days,
        from_age_days,
        basis_count,
        at_risk_count,
        entered_count,
        event_count,
        competing_count,
        censored_count,
        estimate,
        lower_bound,
        upper_bound,
        standard_error,
        estimate_if_earlier,
        competing_share,
        remaining_share,
        status,
        reason,
        method,
        assumption_ids
    from curves

)

select * from final
