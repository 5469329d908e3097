with planned_blocks as (

    select
        experiment_id,
        block_start_date,
        block_end_date,
        cast({{ plus_days('block_start_date', 'washout_days') }} as date) as first_kept_date
    from {{ ref('int_holdout_blocks') }}
    where
        arm = 'off'
        and region_code is null
        and pair_number is not null
        and is_registered_before
        and is_over
        and kept_day_count > 0

),

contents as (

    select * from {{ ref('int_contents') }}

),

-- Off was not off where something was published all the same.
broken_blocks as (

    select distinct
        planned_blocks.experiment_id,
        planned_blocks.block_start_date
    from planned_blocks
    inner join contents
        on
            planned_blocks.block_start_date <= contents.published_date
            and planned_blocks.block_end_date >= contents.published_date

),

off_blocks as (

    select planned_blocks.*
    from planned_blocks
    left join broken_blocks
        on
            planned_blocks.experiment_id = broken_blocks.experiment_id
            and planned_blocks.block_start_date = broken_blocks.block_start_date
    where broken_blocks.experiment_id is null

),

conversions as (

    select
        conversion_key,
        platform_id,
        converted_date
    from {{ ref('int_conversions') }}
    where conversion_kind in ('order', 'payment') and not is_fully_reversed

),

conversion_evidence as (

    select * from {{ ref('int_conversion_evidence') }}
    where evidence_type not in ('open_link', 'entanglement')

),

own_channels as (

    select channel_id from {{ ref('own_channels') }}
    where reach = 'own'

),

off_conversions as (

    select distinct
        conversions.conversion_key,
        conversions.platform_id
    from conversions
    inner join off_blocks
        on
            conversions.converted_date >= off_blocks.first_kept_date
            and conversions.converted_date <= off_blocks.block_end_date

),

-- Not every platform's records can show a code.
platforms_with_codes as (

    select distinct conversions.platform_id
    from conversion_evidence
    inner join conversions
        on conversion_evidence.conversion_key = conversions.conversion_key
    where conversion_evidence.evidence_type = 'coupon'

),

answered_conversions as (

    select distinct conversion_key
    from conversion_evidence
    where evidence_type = 'self_report'

),

tiers as (

    select 'T2' as evidence_tier
    union all
    select 'T3'
    union all
    select 'T4'
    union all
    select 'T5'
    union all
    select 'T6'
    union all
    select 'T7'

),

exposed_conversions as (

    select
        tiers.evidence_tier,
        off_conversions.conversion_key
    from off_conversions
    cross join tiers
    left join platforms_with_codes
        on off_conversions.platform_id = platforms_with_codes.platform_id
    left join answered_conversions
        on off_conversions.conversion_key = answered_conversions.conversion_key
    where
        (tiers.evidence_tier <> 'T4' or platforms_with_codes.platform_id is not null)
        and (tiers.evidence_tier <> 'T7' or answered_conversions.conversion_key is not null)

),

claims as (

    select distinct
        conversion_evidence.evidence_tier,
        conversion_evidence.conversion_key
    from conversion_evidence
    inner join own_channels
        on conversion_evidence.channel_id = own_channels.channel_id

),

final as (

    select
        exposed_conversions.evidence_tier,
        count(claims.conversion_key) as claim_count,
        count(*) as exposure_count
    from exposed_conversions
    left join claims
        on
            exposed_conversions.evidence_tier = claims.evidence_tier
            and exposed_conversions.conversion_key = claims.conversion_key
    group by exposed_conversions.evidence_tier

)

select * from final
