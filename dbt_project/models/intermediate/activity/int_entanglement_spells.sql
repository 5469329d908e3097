with events as (

    select * from {{ ref('int_entanglement_events') }}

),

people as (

    select * from {{ ref('int_people') }}

),

listings as (

    select
        account_key,
        entangled_key,
        identifier_type,
        snapshot_number,
        lead(snapshot_number) over (
            partition by entangled_key order by snapshot_number asc nulls last
        ) as next_listed_snapshot_number,
        occurred_at
    from events
    where entanglement_event = 'listed'

),

snapshots as (

    select
        account_key,
        identifier_type,
        snapshot_number,
        max(occurred_at) as taken_at,
        lag(max(occurred_at)) over (
            partition by account_key, identifier_type order by snapshot_number asc nulls last
        ) as previously_taken_at
    from listings
    where snapshot_number is not null
    group by account_key, identifier_type, snapshot_number

),

-- Absence is told by the first snapshot that lacks someone who had been listed or had started. A
-- part of a list has no number and shows who stood as a start does.
absences_after_listing as (

    select
        listings.entangled_key,
        snapshots.taken_at
    from listings
    inner join snapshots
        on
            listings.account_key = snapshots.account_key
            and listings.identifier_type = snapshots.identifier_type
            and listings.snapshot_number + 1 = snapshots.snapshot_number
    where coalesce(listings.next_listed_snapshot_number, 0) <> snapshots.snapshot_number

),

absences_after_start as (

    select
        standing_events.entangled_key,
        snapshots.taken_at
    from events as standing_events
    inner join snapshots
        on
            standing_events.account_key = snapshots.account_key
            and standing_events.identifier_type = snapshots.identifier_type
            and standing_events.occurred_at < snapshots.taken_at
            and (
                snapshots.previously_taken_at is null
                or standing_events.occurred_at >= snapshots.previously_taken_at
            )
    left join listings
        on
            standing_events.entangled_key = listings.entangled_key
            and snapshots.snapshot_number = listings.snapshot_number
    where
        standing_events.entanglement_event <> 'ended'
        and standing_events.snapshot_number is null
        and listings.entangled_key is null

),

observations as (

    select
        events.entangled_key,
        events.spell_id,
        events.known_as,
        events.entanglement_event <> 'ended' as is_standing,
        case events.entanglement_event when 'started' then 1 when 'listed' then 2 else 3 end
            as observation_order,
        snapshots.previously_taken_at as known_absent_at,
        events.occurred_at as observed_at
    from events
    left join snapshots
        on
            events.account_key = snapshots.account_key
            and events.identifier_type = snapshots.identifier_type
            and events.snapshot_number = snapshots.snapshot_number

    union all

    select
        absences.entangled_key,
        cast(null as {{ dbt.type_string() }}) as spell_id,
        'listed' as known_as,
        false as is_standing,
        4 as observation_order,
        cast(null as timestamp) as known_absent_at,
        absences.taken_at as observed_at
    from (
        select * from absences_after_listing
        union distinct
        select * from absences_after_start
    ) as absences

),

-- A start without a time is older than anything else that is known, an end without one is later.
observations_in_order as (

    select
        *,
        row_number() over (
            partition by entangled_key
            order by
                case when is_standing and observed_at is null then 0 else 1 end asc nulls last,
                observed_at asc nulls last,
                observation_order asc nulls last,
                spell_id asc nulls last
        ) as observation_number
    from observations

),

observations_after_another as (

    select
        *,
        coalesce(
            lag(is_standing) over (
                partition by entangled_key order by observation_number asc nulls last
            ),
            false
        ) as was_standing,
        lag(spell_id) over (
            partition by entangled_key order by observation_number asc nulls last
        ) as previous_spell_id,
        lag(known_as) over (
            partition by entangled_key order by observation_number asc nulls last
        ) as previously_known_as,
        lag(is_standing, 2) over (
            partition by entangled_key order by observation_number asc nulls last
        ) as stood_before_previous,
        lag(observed_at) over (
            partition by entangled_key order by observation_number asc nulls last
        ) as previously_observed_at
    from observations_in_order

),

-- A list is dated by what it shows and may have been taken later: an end with a date that follows
-- an absence is the end which the absence told of.
observations_with_dated_absences as (

    select
        *,
        coalesce(
            not is_standing
            and known_as = 'reported'
            and observed_at is not null
            and not was_standing
            and previously_known_as = 'listed'
            and stood_before_previous,
            false
        ) as dates_an_absence
    from observations_after_another

),

-- What repeats the state before it is no news, except the end of another link than ended before.
turning_points as (

    select
        entangled_key,
        known_as,
        is_standing,
        was_standing or dates_an_absence as is_of_open_spell,
        observation_number,
        case
            when known_absent_at > previously_observed_at or previously_observed_at is null
                then known_absent_at
            else previously_observed_at
        end as window_opened_at,
        observed_at
    from observations_with_dated_absences
    where
        is_standing <> was_standing
        or dates_an_absence
        or (not is_standing and observation_number = 1)
        or (not is_standing and spell_id <> previous_spell_id)

),

numbered_turning_points as (

    select
        *,
        sum(case when is_standing or not is_of_open_spell then 1 else 0 end) over (
            partition by entangled_key
            order by observation_number asc nulls last
            rows between unbounded preceding and current row
        ) as spell_number
    from turning_points

),

-- Of an absence and the dated end that it told of, the later and `reported` is the dated end.
spells as (

    select
        entangled_key,
        cast(spell_number as bigint) as spell_number,
        max(case when is_standing then known_as end) as first_known_as,
        max(case when is_standing then observed_at end) as first_standing_at,
        max(case when is_standing then window_opened_at end) as start_window_opened_at,
        max(case when not is_standing then known_as end) as end_known_as,
        max(case when not is_standing then observed_at end) as ended_at,
        max(case when not is_standing then window_opened_at end) as end_window_opened_at
    from numbered_turning_points
    group by entangled_key, spell_number

),

-- Whom the first snapshot lists was there before it; since when nobody knows.
dated_spells as (

    select
        *,
        case
            when first_known_as = 'reported' or start_window_opened_at is not null
                then first_standing_at
        end as started_at
    from spells

),

entangled as (

    select distinct
        entangled_key,
        account_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value
    from events

),

final as (

    select
        {{ surrogate_key(['dated_spells.entangled_key', 'dated_spells.spell_number']) }}
            as spell_key,
        entangled.account_key,
        people.person_key,
        entangled.account_id,
        entangled.platform_id,
        entangled.identifier_type,
        entangled.identifier_value,
        case
            when dated_spells.started_at is null then '(unknown)' else dated_spells.first_known_as
        end as start_known_as,
        dated_spells.end_known_as,
        dated_spells.spell_number,
        case
            when dated_spells.first_known_as = 'listed'
                then
                    {{ days_between(
                        reporting_date('dated_spells.start_window_opened_at'),
                        reporting_date('dated_spells.first_standing_at')
                    ) }}
        end as start_window_days,
        case
            when dated_spells.end_known_as = 'listed'
                then
                    {{ days_between(
                        reporting_date('dated_spells.end_window_opened_at'),
                        reporting_date('dated_spells.ended_at')
                    ) }}
        end as end_window_days,
        dated_spells.started_at is null as is_left_truncated,
        dated_spells.end_known_as is null as is_open,
        {{ reporting_date('dated_spells.first_standing_at') }} as first_standing_date,
        {{ reporting_date('dated_spells.started_at') }} as started_date,
        {{ reporting_date('dated_spells.ended_at') }} as ended_date,
        dated_spells.started_at,
        dated_spells.ended_at
    from dated_spells
    inner join entangled on dated_spells.entangled_key = entangled.entangled_key
    left join people
        on
            entangled.identifier_type = people.identifier_type
            and entangled.identifier_value = people.identifier_value

)

select * from final
