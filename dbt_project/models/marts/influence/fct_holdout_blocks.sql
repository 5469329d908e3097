with blocks as (

    select * from {{ ref('int_holdout_blocks') }}

),

final as (

    select
        holdout_block_key,
        experiment_id,
        pair_number,
        region_code,
        arm,
        seed,
        washout_days,
        day_count,
        kept_day_count,
        purchase_count,
        kept_purchase_count,
        is_registered_before,
        is_over,
        block_start_date,
        block_end_date,
        registered_at
    from blocks

)

select * from final
