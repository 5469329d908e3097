with estimates as (

    select * from {{ source('measurement', 'incrementality_estimates') }}

),

calibrations as (

    select * from {{ source('measurement', 'placebo_calibrations') }}

),

final as (

    select
        {{ surrogate_key(['estimates.experiment_id', 'estimates.estimator']) }}
            as incrementality_key,
        estimates.experiment_id,
        estimates.estimator,
        case when estimates.is_randomised then 'A4 A6 A7' else 'A5' end as assumption_ids,
        estimates.status,
        estimates.reason,
        calibrations.gate as placebo_gate,
        estimates.is_randomised,
        cast(estimates.n_blocks as bigint) as block_count,
        cast(estimates.n_conversions as bigint) as purchase_count,
        estimates.caused_count,
        estimates.caused_count_lower,
        estimates.caused_count_upper,
        estimates.effect_log_ratio,
        estimates.p_value,
        calibrations.n_placebo as placebo_count,
        calibrations.false_positive_share,
        calibrations.false_positive_lower,
        calibrations.false_positive_upper,
        estimates.start_date,
        estimates.end_date
    from estimates
    inner join calibrations
        on
            estimates.experiment_id = calibrations.experiment_id
            and estimates.estimator = calibrations.estimator

)

select * from final
