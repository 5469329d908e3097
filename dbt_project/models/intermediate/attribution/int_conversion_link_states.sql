{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}
    where {{ within('conversion', 'conversion_key') }}

),

conversion_records as (

    select * from {{ ref('int_conversion_records') }}
    where {{ within('conversion', 'conversion_key') }}

),

paths as (

    select * from {{ ref('int_conversion_paths') }}
    where {{ within('conversion', 'conversion_key') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}

),

people as (

    select * from {{ ref('int_people') }}

),

staged_visits as (
    {{ union_staged('visits', ['identifier_type', 'identifier_value', 'is_bot', 'visited_at']) }}

),

-- Anybody's touch on a day shows that an export of touches reaches that day.
seen_days as (

    select * from {{ ref('int_seen_days') }}

),

longest_lookback as (

    select max(lookback_days) as lookback_days from {{ ref('path_configurations') }}

),

paths_by_conversion as (

    select
        paths.conversion_key,
        count(*) as touch_count,
        max(case when paths.channel_id = '(direct)' then 0 else 1 end) as has_channel
    from paths
    group by paths.conversion_key

),

records_by_conversion as (

    select
        conversion_key,
        max(case when channel_id is null then 1 else 0 end) as has_unmapped_record,
        max(case when channel_id = '(no touch)' then 1 else 0 end) as has_no_touch_record
    from conversion_records
    group by conversion_key

),

-- started_platform_id: a sign-up is itself a start on its platform, so those starts tell nothing
-- about what came before it.
conversions_without_touch as (

    select
        conversions.conversion_key,
        conversions.person_key,
        case when conversions.conversion_kind = 'sign_up' then conversions.platform_id else '' end
            as started_platform_id,
        cast(conversions.converted_at as date) as converted_day,
        {{ plus_days('conversions.converted_at', '-longest_lookback.lookback_days') }}
            as lookback_opened_at,
        conversions.converted_at
    from conversions
    cross join longest_lookback
    left join paths_by_conversion
        on conversions.conversion_key = paths_by_conversion.conversion_key
    where paths_by_conversion.conversion_key is null

),

-- What the path left out: touches that map to no channel, that are too old, or that an earlier
-- conversion spent.
touches_outside_paths as (

    select
        conversions_without_touch.conversion_key,
        max(
            case
                when
                    touchpoints.channel_id is null
                    and touchpoints.touched_at > conversions_without_touch.lookback_opened_at
                    then 1
                else 0
            end
        ) as has_unmapped_touch,
        max(case when touchpoints.channel_id is not null then 1 else 0 end) as has_older_touch
    from conversions_without_touch
    inner join touchpoints
        on
            conversions_without_touch.person_key = touchpoints.person_key
            and conversions_without_touch.converted_at >= touchpoints.touched_at
    where
        not (
            touchpoints.touch_kind = 'entanglement'
            and conversions_without_touch.started_platform_id = touchpoints.platform_id
        )
    group by conversions_without_touch.conversion_key

),

identifiers_without_touch as (

    select people.*
    from people
    where
        people.person_key in (
            select conversions_without_touch.person_key from conversions_without_touch
        )

),

filtered_visits as (

    select distinct
        identifiers_without_touch.person_key,
        staged_visits.visited_at
    from staged_visits
    inner join identifiers_without_touch
        on
            staged_visits.identifier_type = identifiers_without_touch.identifier_type
            and staged_visits.identifier_value = identifiers_without_touch.identifier_value
    where staged_visits.is_bot

),

conversions_with_filtered_visit as (

    select distinct conversions_without_touch.conversion_key
    from conversions_without_touch
    inner join filtered_visits
        on
            conversions_without_touch.person_key = filtered_visits.person_key
            and conversions_without_touch.converted_at >= filtered_visits.visited_at
            and conversions_without_touch.lookback_opened_at < filtered_visits.visited_at

),

converted_days as (

    select distinct
        started_platform_id,
        converted_day
    from conversions_without_touch

),

last_seen_days as (

    select
        converted_days.started_platform_id,
        converted_days.converted_day,
        max(seen_days.seen_day) as last_seen_day
    from converted_days
    inner join seen_days
        on converted_days.converted_day >= seen_days.seen_day
    where
        seen_days.start_platform_id = ''
        or seen_days.start_platform_id <> converted_days.started_platform_id
    group by converted_days.started_platform_id, converted_days.converted_day

),

seen_identifier_types as (

    select distinct
        identifier_type,
        start_platform_id
    from seen_days

),

conversions_that_touches_could_show as (

    select distinct conversions_without_touch.conversion_key
    from conversions_without_touch
    inner join identifiers_without_touch
        on conversions_without_touch.person_key = identifiers_without_touch.person_key
    inner join seen_identifier_types
        on identifiers_without_touch.identifier_type = seen_identifier_types.identifier_type
    where
        seen_identifier_types.start_platform_id = ''
        or seen_identifier_types.start_platform_id
        <> conversions_without_touch.started_platform_id

),

-- The first reason that holds: what was found before what could not be.
unknown_reasons as (

    select
        conversions_without_touch.conversion_key,
        case
            when
                records_by_conversion.has_unmapped_record = 1
                or touches_outside_paths.has_unmapped_touch = 1
                then 'untagged'
            when conversions_with_filtered_visit.conversion_key is not null then 'excluded'
            when touches_outside_paths.has_older_touch = 1 then 'expired'
            when conversions_without_touch.person_key is null then 'unresolved'
            when
                last_seen_days.last_seen_day is null
                or last_seen_days.last_seen_day
                < cast(conversions_without_touch.lookback_opened_at as date)
                then 'not_loaded'
            when conversions_that_touches_could_show.conversion_key is null then 'unresolved'
            else 'unseen'
        end as unknown_reason
    from conversions_without_touch
    left join records_by_conversion
        on conversions_without_touch.conversion_key = records_by_conversion.conversion_key
    left join touches_outside_paths
        on conversions_without_touch.conversion_key = touches_outside_paths.conversion_key
    left join conversions_with_filtered_visit
        on
            conversions_without_touch.conversion_key
            = conversions_with_filtered_visit.conversion_key
    left join last_seen_days
        on
            conversions_without_touch.converted_day = last_seen_days.converted_day
            and conversions_without_touch.started_platform_id
            = last_seen_days.started_platform_id
    left join conversions_that_touches_could_show
        on
            conversions_without_touch.conversion_key
            = conversions_that_touches_could_show.conversion_key

),

link_states as (

    select
        conversions.conversion_key,
        case
            when paths_by_conversion.has_channel = 1 then 'linked'
            when paths_by_conversion.has_channel = 0 then 'direct'
            when records_by_conversion.has_no_touch_record = 1 then 'no_touch'
            else 'unknown'
        end as link_state,
        coalesce(paths_by_conversion.touch_count, 0) as touch_count
    from conversions
    left join paths_by_conversion
        on conversions.conversion_key = paths_by_conversion.conversion_key
    left join records_by_conversion
        on conversions.conversion_key = records_by_conversion.conversion_key

),

final as (

    select
        link_states.conversion_key,
        link_states.link_state,
        case when link_states.link_state = 'unknown' then unknown_reasons.unknown_reason end
            as unknown_reason,
        cast(link_states.touch_count as bigint) as touch_count
    from link_states
    left join unknown_reasons
        on link_states.conversion_key = unknown_reasons.conversion_key

)

select * from final
