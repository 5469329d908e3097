with ages as (

    select * from {{ ref('int_entanglement_ages') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

bots as (

    select * from {{ ref('int_bots') }}

),

-- Nobody is seen to leave where no export tells of ends; a withdrawal after the last act that names
-- who acted competes with nothing.
waits_by_spell as (

    select
        platform_id,
        cohort_month,
        'withdrawal' as outcome,
        entry_age_days,
        coalesce(withdrawal_age_days, withdrawal_horizon_age_days) as exit_age_days,
        case when withdrawal_age_days is null then 'censored' else 'event' end as exit_kind
    from ages
    where has_age and has_known_ends

    union all

    select
        platform_id,
        cohort_month,
        'withdrawal_if_earlier' as outcome,
        entry_age_days,
        case
            when withdrawal_age_days - end_window_days < entry_age_days then entry_age_days
            else coalesce(withdrawal_age_days - end_window_days, withdrawal_horizon_age_days)
        end as exit_age_days,
        case when withdrawal_age_days is null then 'censored' else 'event' end as exit_kind
    from ages
    where
        has_age
        and has_known_ends
        and coalesce(withdrawal_age_days, withdrawal_horizon_age_days) >= entry_age_days

    union all

    select
        platform_id,
        cohort_month,
        'first_engagement' as outcome,
        entry_age_days,
        case
            when engagement_age_days is not null then engagement_age_days
            when withdrawal_age_days <= engagement_horizon_age_days then withdrawal_age_days
            else engagement_horizon_age_days
        end as exit_age_days,
        case
            when engagement_age_days is not null then 'event'
            when withdrawal_age_days <= engagement_horizon_age_days then 'competing'
            else 'censored'
        end as exit_kind
    from ages
    where has_age and has_named_acts

    union all

    select
        platform_id,
        cohort_month,
        'first_conversion' as outcome,
        entry_age_days,
        coalesce(conversion_age_days, conversion_horizon_age_days) as exit_age_days,
        case when conversion_age_days is null then 'censored' else 'event' end as exit_kind
    from ages
    where has_age and is_matchable

),

waits as (

    select
        platform_id,
        'all' as cohort,
        outcome,
        entry_age_days,
        exit_age_days,
        exit_kind
    from waits_by_spell
    where exit_age_days >= entry_age_days

    union all

    select
        platform_id,
        cohort_month as cohort,
        outcome,
        entry_age_days,
        exit_age_days,
        exit_kind
    from waits_by_spell
    where exit_age_days >= entry_age_days

),

engagement_days as (

    select distinct
        activities.platform_id,
        activities.person_key,
        activities.activity_date
    from activities
    left join bots on activities.person_key = bots.person_key
    where
        activities.is_incoming
        and activities.known_as = 'person'
        and activities.count_basis = 'event'
        and activities.word = 'engagement'
        and activities.person_key is not null
        and bots.person_key is null

),

named_to as (

    select
        platform_id,
        max(activity_date) as named_to_date
    from activities
    where
        is_incoming
        and known_as = 'person'
        and count_basis = 'event'
        and content_key is not null
    group by platform_id

),

engagement_days_in_order as (

    select
        engagement_days.platform_id,
        engagement_days.activity_date,
        named_to.named_to_date,
        lead(engagement_days.activity_date) over (
            partition by engagement_days.platform_id, engagement_days.person_key
            order by engagement_days.activity_date asc nulls last
        ) as next_activity_date
    from engagement_days
    inner join named_to on engagement_days.platform_id = named_to.platform_id

),

-- From each day with an engagement to the same person's next one, linked or not.
waits_for_more as (

    select
        platform_id,
        'all' as cohort,
        'next_engagement' as outcome,
        0 as entry_age_days,
        {{ days_between('activity_date', 'coalesce(next_activity_date, named_to_date)') }}
            as exit_age_days,
        case when next_activity_date is null then 'censored' else 'event' end as exit_kind
    from engagement_days_in_order
    where coalesce(next_activity_date, named_to_date) >= activity_date

),

all_waits as (

    select * from waits

    union all

    select * from waits_for_more

),

moves as (

    select
        platform_id,
        cohort,
        outcome,
        entry_age_days as age_days,
        1 as entered,
        0 as had_event,
        0 as had_competing_event,
        0 as was_censored
    from all_waits

    union all

    select
        platform_id,
        cohort,
        outcome,
        exit_age_days as age_days,
        0 as entered,
        case exit_kind when 'event' then 1 else 0 end as had_event,
        case exit_kind when 'competing' then 1 else 0 end as had_competing_event,
        case exit_kind when 'censored' then 1 else 0 end as was_censored
    from all_waits

),

-- Few links make no cohort; leaving them out here keeps the table small too.
cohort_sizes as (

    select
        platform_id,
        cohort,
        outcome
    from all_waits
    group by platform_id, cohort, outcome
    having count(*) >= {{ var('smallest_cohort', 20) }}

),

final as (

    select
        {{ surrogate_key([
            'moves.platform_id', 'moves.cohort', 'moves.outcome', 'moves.age_days',
        ]) }} as life_table_key,
        moves.platform_id,
        moves.cohort,
        moves.outcome,
        cast(moves.age_days as bigint) as age_days,
        cast(sum(moves.entered) as bigint) as entered_count,
        cast(sum(moves.had_event) as bigint) as event_count,
        cast(sum(moves.had_competing_event) as bigint) as competing_count,
        cast(sum(moves.was_censored) as bigint) as censored_count
    from moves
    inner join cohort_sizes
        on
            moves.platform_id = cohort_sizes.platform_id
            and moves.cohort = cohort_sizes.cohort
            and moves.outcome = cohort_sizes.outcome
    group by moves.platform_id, moves.cohort, moves.outcome, moves.age_days

)

select * from final
