with leak_rates as (

    select * from {{ source('measurement', 'evidence_leak_rates') }}

),

final as (

    select
        {{ surrogate_key(['evidence_tier', 'leak_method']) }} as leak_rate_key,
        evidence_tier,
        leak_method,
        claim_count,
        exposure_count,
        code_count,
        leak_rate,
        leak_rate_upper,
        assumption_ids,
        leak_status,
        reason
    from leak_rates

)

select * from final
