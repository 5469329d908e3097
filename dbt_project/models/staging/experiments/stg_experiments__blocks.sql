with blocks as (

    select * from {{ source('experiments', 'blocks') }}

),

blocks_typed as (

    select
        trim(experiment_id) as experiment_id,
        cast({{ try_number('pair') }} as bigint) as pair_number,
        upper(nullif(trim(region), '')) as region_code,
        lower(trim(arm)) as arm,
        nullif(trim(seed), '') as seed,
        coalesce(cast({{ try_number('washout_days') }} as bigint), 0) as washout_days,
        {{ written_date('experiments', 'blocks', 'starts_on') }} as block_start_date,
        {{ written_date('experiments', 'blocks', 'ends_on') }} as block_end_date,
        {{ utc_time('experiments', 'blocks', 'registered_at') }} as registered_at,
        _load_id,
        _source_row_number
    from blocks

),

-- The first registration counts: a plan that is rewritten once results are known is none.
blocks_by_registration as (

    select
        *,
        row_number() over (
            partition by experiment_id, region_code, block_start_date
            order by
                registered_at asc nulls last,
                arm asc nulls last,
                block_end_date asc nulls last,
                pair_number asc nulls last,
                _load_id asc nulls last,
                _source_row_number asc nulls last
        ) as registration_rank
    from blocks_typed

),

final as (

    select
        experiment_id,
        pair_number,
        region_code,
        arm,
        seed,
        washout_days,
        block_start_date,
        block_end_date,
        registered_at,
        _load_id,
        _source_row_number
    from blocks_by_registration
    where registration_rank = 1

)

select * from final
