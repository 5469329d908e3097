with conversions as (

    select
        conversion_key,
        cast(date_trunc('month', converted_date) as date) as month_date
    from {{ ref('fct_conversions') }}
    where conversion_kind in ('order', 'payment') and not is_fully_reversed

),

links as (

    select * from {{ ref('fct_conversion_links') }}

),

days as (

    select * from {{ ref('dim_dates') }}

),

bounds as (

    select * from {{ source('measurement', 'influence_bounds') }}
    where scope = 'all'

),

conversions_with_state as (

    select
        conversions.conversion_key,
        conversions.month_date,
        links.link_state
    from conversions
    inner join links
        on conversions.conversion_key = links.conversion_key

),

first_and_last_month as (

    select
        min(month_date) as first_month_date,
        max(month_date) as last_month_date
    from conversions

),

-- A month without a conversion between others is a row too.
months as (

    select distinct days.month_start_date as month_date
    from days
    inner join first_and_last_month
        on
            days.month_start_date between first_and_last_month.first_month_date
            and first_and_last_month.last_month_date

),

monthly_counts as (

    select
        month_date,
        count(*) as conversion_count,
        sum(case when link_state = 'unknown' then 1 else 0 end) as unknown_count,
        sum(case when link_state = 'direct' then 1 else 0 end) as direct_count,
        sum(case when link_state = 'no_touch' then 1 else 0 end) as no_touch_count
    from conversions_with_state
    group by month_date

),

counted_periods as (

    select
        substr(cast(months.month_date as string), 1, 7) as period,
        months.month_date,
        coalesce(monthly_counts.conversion_count, 0) as conversion_count,
        coalesce(monthly_counts.unknown_count, 0) as unknown_count,
        coalesce(monthly_counts.direct_count, 0) as direct_count,
        coalesce(monthly_counts.no_touch_count, 0) as no_touch_count
    from months
    left join monthly_counts
        on months.month_date = monthly_counts.month_date

    union all

    select
        'all' as period,
        cast(null as date) as month_date,
        coalesce(sum(conversion_count), 0) as conversion_count,
        coalesce(sum(unknown_count), 0) as unknown_count,
        coalesce(sum(direct_count), 0) as direct_count,
        coalesce(sum(no_touch_count), 0) as no_touch_count
    from monthly_counts

),

proven_touches as (

    select
        period,
        lower,
        ci_lower
    from bounds
    where estimand = 'touched' and level = 'T0' and status = 'ok'

),

-- The last level that holds is the narrowest.
ranked_bounds as (

    select
        *,
        row_number() over (
            partition by period, estimand
            order by level desc nulls last, method asc nulls last
        ) as narrowness_rank
    from bounds
    where status = 'ok'

),

narrowest_touched as (

    select * from ranked_bounds
    where estimand = 'touched' and narrowness_rank = 1

),

narrowest_influenced as (

    select * from ranked_bounds
    where estimand = 'influenced' and narrowness_rank = 1

),

conflicts as (

    select
        period,
        max(case when estimand = 'touched' then 1 else 0 end) as has_touched_conflict,
        max(case when estimand = 'influenced' then 1 else 0 end) as has_influenced_conflict
    from bounds
    where status = 'assumption_conflict'
    group by period

),

figures as (

    select
        counted_periods.period,
        counted_periods.month_date,
        cast(counted_periods.conversion_count as bigint) as conversion_count,
        cast(counted_periods.unknown_count as bigint) as unknown_count,
        cast(counted_periods.direct_count as bigint) as direct_count,
        cast(counted_periods.no_touch_count as bigint) as no_touch_count,
        cast(counted_periods.unknown_count as double)
        / nullif(counted_periods.conversion_count, 0) as unknown_share,
        proven_touches.lower as proven_touched_count,
        narrowest_touched.ci_lower as touched_lower,
        narrowest_touched.ci_upper as touched_upper,
        narrowest_touched.level as touched_level,
        narrowest_touched.method as touched_method,
        narrowest_touched.assumption_ids as touched_assumption_ids,
        narrowest_influenced.ci_lower as influenced_lower,
        narrowest_influenced.ci_upper as influenced_upper,
        narrowest_influenced.level as influenced_level,
        narrowest_influenced.method as influenced_method,
        narrowest_influenced.assumption_ids as influenced_assumption_ids,
        case
            when counted_periods.conversion_count = 0 then 'no_conversions'
            when
                conflicts.has_touched_conflict = 1 or conflicts.has_influenced_conflict = 1
                then 'assumption_conflict'
            when narrowest_touched.ci_lower is null then 'not_enough_data'
            when narrowest_influenced.level = 'A4' then 'experiment'
            else 'bounded'
        end as headline_status
    from counted_periods
    left join proven_touches
        on counted_periods.period = proven_touches.period
    left join narrowest_touched
        on counted_periods.period = narrowest_touched.period
    left join narrowest_influenced
        on counted_periods.period = narrowest_influenced.period
    left join conflicts
        on counted_periods.period = conflicts.period

),

-- Counts are rounded outwards, so that the sentence never claims more than the figures.
figures_as_text as (

    select
        *,
        cast(conversion_count as string) as conversions_text,
        cast(unknown_count as string) as unknown_text,
        cast(cast(round(100 * unknown_share) as bigint) as string) as unknown_percent_text,
        cast(cast(floor(touched_lower) as bigint) as string) as touched_lower_text,
        cast(cast(ceil(touched_upper) as bigint) as string) as touched_upper_text,
        cast(cast(floor(influenced_lower) as bigint) as string) as influenced_lower_text,
        cast(cast(ceil(influenced_upper) as bigint) as string) as influenced_upper_text,
        case when period = 'all' then 'Over all time' else concat('In ', period) end as period_text
    from figures

),

final as (

    select
        period,
        conversion_count,
        unknown_count,
        unknown_share,
        direct_count,
        no_touch_count,
        proven_touched_count,
        touched_lower,
        touched_upper,
        touched_level,
        touched_method,
        touched_assumption_ids,
        influenced_lower,
        influenced_upper,
        influenced_level,
        influenced_method,
        influenced_assumption_ids,
        headline_status,
        case
            when conversion_count = 0
                then concat(
                    period_text, ' there was no order or payment, so there was none to influence.'
                )
            when touched_lower is null
                then concat(
                    period_text, ' orders and payments number ', conversions_text, '; of ',
                    unknown_text, ' (', unknown_percent_text,
                    ' %) nothing is known of where they came from,',
                    ' and nothing was measured that bounds how many were touched or influenced.'
                )
            else concat(
                period_text, ' orders and payments number ', conversions_text, '; of ',
                unknown_text, ' (', unknown_percent_text,
                ' %) nothing is known of where they came from. Between ', touched_lower_text,
                ' and ', touched_upper_text, ' of all had met something of yours; between ',
                influenced_lower_text, ' and ', influenced_upper_text,
                ' would not have happened without it, ',
                case
                    when influenced_level = 'A4'
                        then 'as a randomised experiment bounds them'
                    else 'and no experiment says where between'
                end,
                '. ',
                case
                    when headline_status = 'assumption_conflict'
                        then concat(
                            'Two of the assumptions contradict each other here, so wider bounds',
                            ' stand in their place. '
                        )
                    else ''
                end,
                'These are ranges for all of them together (95 %): which ones, nobody can know.'
            )
        end as headline_sentence,
        month_date
    from figures_as_text

)

select * from final
