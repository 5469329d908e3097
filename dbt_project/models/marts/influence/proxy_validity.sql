with tests as (

    select * from {{ source('measurement', 'proxy_tests') }}

),

final as (

    select
        {{ surrogate_key(['platform_id', 'proxy_id']) }} as proxy_validity_key,
        platform_id,
        proxy_id,
        cast('purchases' as string) as outcome,
        cast('circular-shift lagged rank test' as string) as test_name,
        cast('P1' as string) as assumption_ids,
        verdict,
        reason,
        is_exploratory,
        week_count,
        statistic,
        reverse_statistic,
        p_value,
        q_value,
        detectable_correlation
    from tests

)

select * from final
