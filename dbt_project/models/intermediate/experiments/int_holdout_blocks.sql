with blocks as (

    select * from {{ ref('stg_experiments__blocks') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

purchases_by_day as (

    select
        converted_date,
        region_code,
        count(*) as purchase_count
    from conversions
    where conversion_kind in ('order', 'payment') and not is_fully_reversed
    group by converted_date, region_code

),

newest_day as (

    select max(converted_date) as newest_date
    from conversions
    where conversion_kind in ('order', 'payment')

),

experiments as (

    select
        experiment_id,
        min(block_start_date) as first_start_date,
        max(registered_at) as last_registered_at
    from blocks
    group by experiment_id

),

blocks_with_first_kept_day as (

    select
        *,
        cast({{ plus_days('block_start_date', 'washout_days') }} as date) as first_kept_date
    from blocks

),

purchases_by_block as (

    select
        blocks.experiment_id,
        blocks.region_code,
        blocks.block_start_date,
        cast(sum(purchases_by_day.purchase_count) as bigint) as purchase_count,
        cast(
            sum(
                case
                    when purchases_by_day.converted_date >= blocks.first_kept_date
                        then purchases_by_day.purchase_count
                    else 0
                end
            ) as bigint
        ) as kept_purchase_count
    from blocks_with_first_kept_day as blocks
    inner join purchases_by_day
        on
            blocks.block_start_date <= purchases_by_day.converted_date
            and blocks.block_end_date >= purchases_by_day.converted_date
            and {{ is_in_region('purchases_by_day.region_code', 'blocks.region_code') }}
    group by blocks.experiment_id, blocks.region_code, blocks.block_start_date

),

final as (

    select
        {{ surrogate_key([
            'blocks.experiment_id',
            'blocks.region_code',
            'blocks.block_start_date',
        ]) }} as holdout_block_key,
        blocks.experiment_id,
        blocks.pair_number,
        blocks.region_code,
        blocks.arm,
        blocks.seed,
        blocks.washout_days,
        {{ days_between('blocks.block_start_date', 'blocks.block_end_date') }} + 1 as day_count,
        {{ days_between('blocks.first_kept_date', 'blocks.block_end_date') }} + 1 as kept_day_count,
        coalesce(purchases_by_block.purchase_count, 0) as purchase_count,
        coalesce(purchases_by_block.kept_purchase_count, 0) as kept_purchase_count,
        cast(experiments.last_registered_at as date) < experiments.first_start_date
            as is_registered_before,
        coalesce(blocks.block_end_date <= newest_day.newest_date, false) as is_over,
        blocks.block_start_date,
        blocks.block_end_date,
        blocks.registered_at
    from blocks_with_first_kept_day as blocks
    inner join experiments
        on blocks.experiment_id = experiments.experiment_id
    left join purchases_by_block
        on
            blocks.experiment_id = purchases_by_block.experiment_id
            and coalesce(blocks.region_code, '') = coalesce(purchases_by_block.region_code, '')
            and blocks.block_start_date = purchases_by_block.block_start_date
    cross join newest_day

)

select * from final
