with estimates as (

    select * from {{ source('measurement', 'incrementality_estimates') }}

),

final as (

    select
        {{ surrogate_key(['experiment_id', 'estimator']) }} as incrementality_key,
        experiment_id,
        estimator,
        case estimator
            when 'switchback' then 'A4 A6 A7'
            when 'synthetic_control' then 'A8 A9'
            when 'interrupted_series' then 'A5'
        end as assumption_ids,
        status,
        reason,
        gate as placebo_gate,
        is_randomised,
        cast(n_blocks as bigint) as block_count,
        cast(n_conversions as bigint) as purchase_count,
        caused_count,
        caused_count_lower,
        caused_count_upper,
        effect_log_ratio,
        p_value,
        n_placebo as placebo_count,
        false_positive_share,
        false_positive_lower,
        false_positive_upper,
        start_date,
        end_date
    from estimates

)

select * from final
