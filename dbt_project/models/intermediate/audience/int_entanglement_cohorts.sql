with ages as (

    select * from {{ ref('int_entanglement_ages') }}

),

-- Days that are seen: from when an end would be known to the end, or to where it would be known.
-- An end between two lists is counted in their middle.
ages_with_weeks as (

    select
        platform_id,
        cohort_month,
        has_age,
        has_known_ends,
        has_named_acts,
        is_matchable,
        is_open,
        is_returned,
        conversion_age_days,
        engaged_week_count,
        ended_date,
        last_acted_date,
        end_window_days,
        named_to_date,
        {{ plus_days('named_to_date', -90) }} as dormant_since_date,
        first_standing_date,
        case
            when not has_known_ends then 0
            when ended_date > watched_from_date
                then {{ days_between('watched_from_date', 'ended_date') }} - end_window_days * 0.5
            when is_open and ends_known_to_date > watched_from_date
                then {{ days_between('watched_from_date', 'ends_known_to_date') }}
            else 0
        end as observed_day_count,
        case
            when first_standing_date > named_from_date then first_standing_date
            else named_from_date
        end as first_week_from_date,
        case
            when ended_date < named_to_date then ended_date
            else named_to_date
        end as last_week_to_date
    from ages

),

-- The Mondays from one day to another: the Mondays up to the later less those before the earlier.
ages_with_mondays as (

    select
        *,
        case
            when has_named_acts and first_standing_date is not null
                then
                    {{ days_between(
                        "date_trunc('week', " ~ plus_days('first_week_from_date', -1) ~ ")",
                        "date_trunc('week', last_week_to_date)"
                    ) }} * 1.0 / 7
        end as week_count
    from ages_with_weeks

),

ages_by_cohort as (

    select
        ages_with_mondays.*,
        'all' as cohort
    from ages_with_mondays

    union all

    select
        ages_with_mondays.*,
        ages_with_mondays.cohort_month as cohort
    from ages_with_mondays
    where has_age

),

final as (

    select
        {{ surrogate_key(['platform_id', 'cohort']) }} as cohort_key,
        platform_id,
        cohort,
        count(*) as link_count,
        cast(sum(case when has_age then 1 else 0 end) as bigint) as aged_link_count,
        cast(sum(case when has_known_ends and ended_date is not null then 1 else 0 end) as bigint)
            as withdrawn_count,
        cast(sum(observed_day_count) as double) as observed_day_count,
        max(case when has_known_ends then end_window_days end) as longest_end_window_days,
        cast(round(sum(case when week_count > 0 then week_count else 0 end)) as bigint)
            as entangled_week_count,
        cast(sum(engaged_week_count) as bigint) as engaged_week_count,
        cast(
            sum(
                case
                    when
                        first_standing_date <= dormant_since_date
                        and (is_open or ended_date > named_to_date)
                        then 1
                    else 0
                end
            ) as bigint
        ) as old_link_count,
        cast(
            sum(
                case
                    when
                        first_standing_date <= dormant_since_date
                        and (is_open or ended_date > named_to_date)
                        and coalesce(last_acted_date <= dormant_since_date, true)
                        then 1
                    else 0
                end
            ) as bigint
        ) as dormant_link_count,
        cast(sum(case when is_open and is_returned is not null then 1 else 0 end) as bigint)
            as returnable_link_count,
        cast(sum(case when is_open and is_returned then 1 else 0 end) as bigint)
            as returned_link_count,
        cast(sum(case when has_age and is_matchable then 1 else 0 end) as bigint)
            as matchable_link_count,
        cast(
            sum(case when has_age and is_matchable and conversion_age_days >= 0 then 1 else 0 end)
            as bigint
        ) as converted_link_count,
        max(case when has_known_ends then 1 else 0 end) = 1 as has_known_ends,
        max(case when has_named_acts then 1 else 0 end) = 1 as has_named_acts,
        max(case when is_matchable then 1 else 0 end) = 1 as is_matchable
    from ages_by_cohort
    group by platform_id, cohort

)

select * from final
