with blocks as (

    select * from {{ ref('stg_experiments__blocks') }}
    where region_code is not null

),

conversions as (

    select * from {{ ref('int_conversions') }}
    where
        conversion_kind in ('order', 'payment')
        and not is_fully_reversed
        and region_code is not null

),

experiments as (

    select
        experiment_id,
        max(case when region_code like '%-%' then 1 else 0 end) as is_by_province
    from blocks
    group by experiment_id

),

-- Countries are compared with countries, provinces with provinces.
purchases as (

    select
        experiments.experiment_id,
        case
            when experiments.is_by_province = 1 then conversions.region_code
            else {{ regexp_group('conversions.region_code', '^([^-]+)') }}
        end as region_code,
        cast(date_trunc('week', conversions.converted_date) as date) as week_start_date
    from conversions
    cross join experiments
    where experiments.is_by_province = 0 or conversions.region_code like '%-%'

),

treated_regions as (

    select distinct
        experiment_id,
        region_code
    from blocks
    where arm = 'on'

),

weeks as (

    select
        experiment_id,
        region_code,
        week_start_date,
        count(*) as purchase_count
    from purchases
    group by experiment_id, region_code, week_start_date

),

final as (

    select
        {{ surrogate_key([
            'weeks.experiment_id',
            'weeks.region_code',
            'weeks.week_start_date',
        ]) }} as regional_series_key,
        weeks.experiment_id,
        weeks.region_code,
        treated_regions.region_code is not null as is_treated,
        weeks.purchase_count,
        weeks.week_start_date
    from weeks
    left join treated_regions
        on
            weeks.experiment_id = treated_regions.experiment_id
            and weeks.region_code = treated_regions.region_code

)

select * from final
