with conversions as (

    select * from {{ ref('int_conversions') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}
    where channel_id is not null

),

lookbacks as (

    select distinct lookback_days from {{ ref('attribution_models') }}

),

longest_lookback as (

    select max(lookback_days) as lookback_days from lookbacks

),

conversions_with_previous as (

    select
        conversion_key,
        conversion_kind,
        platform_id,
        person_key,
        converted_at,
        case
            when person_key is not null
                then lag(converted_at) over (
                    partition by person_key, conversion_kind
                    order by converted_at asc nulls last, conversion_key asc nulls last
                )
        end as previous_converted_at
    from conversions

),

-- A touch is spent by the first conversion of a kind that follows it. A subscription's own start
-- led to no sign-up: it is it.
touches_before_conversion as (

    select
        conversions_with_previous.conversion_key,
        conversions_with_previous.converted_at,
        touchpoints.touchpoint_key,
        touchpoints.channel_id,
        touchpoints.touch_kind,
        touchpoints.touched_at
    from conversions_with_previous
    inner join touchpoints
        on
            conversions_with_previous.person_key = touchpoints.person_key
            and conversions_with_previous.converted_at >= touchpoints.touched_at
    cross join longest_lookback
    where
        touchpoints.touched_at > {{ plus_days(
            'conversions_with_previous.converted_at', '-longest_lookback.lookback_days'
        ) }}
        and (
            conversions_with_previous.previous_converted_at is null
            or touchpoints.touched_at > conversions_with_previous.previous_converted_at
        )
        and (
            touchpoints.conversion_key is null
            or touchpoints.conversion_key <> conversions_with_previous.conversion_key
        )
        and not (
            conversions_with_previous.conversion_kind = 'sign_up'
            and touchpoints.touch_kind = 'entanglement'
            and conversions_with_previous.platform_id = touchpoints.platform_id
        )

),

touches_on_conversion as (

    select
        conversions.conversion_key,
        conversions.converted_at,
        touchpoints.touchpoint_key,
        touchpoints.channel_id,
        touchpoints.touch_kind,
        touchpoints.touched_at
    from conversions
    inner join touchpoints
        on conversions.conversion_key = touchpoints.conversion_key

),

touches_counted_back as (

    select
        *,
        row_number() over (
            partition by conversion_key
            order by touched_at desc nulls last, touchpoint_key desc nulls last
        ) as position_from_end
    from (
        select * from touches_before_conversion
        union all
        select * from touches_on_conversion
    ) as touches_of_conversion

),

-- A shorter lookback keeps at least the last touch: which conversions are unknown must not
-- depend on the model.
touches_by_lookback as (

    select
        touches_counted_back.*,
        lookbacks.lookback_days
    from touches_counted_back
    cross join lookbacks
    where
        touches_counted_back.position_from_end = 1
        or touches_counted_back.touched_at > {{ plus_days(
            'touches_counted_back.converted_at', '-lookbacks.lookback_days'
        ) }}

),

final as (

    select
        {{ surrogate_key(['conversion_key', 'lookback_days', 'touchpoint_key']) }}
            as path_touch_key,
        conversion_key,
        lookback_days,
        touchpoint_key,
        channel_id,
        touch_kind,
        row_number() over (
            partition by conversion_key, lookback_days
            order by touched_at asc nulls last, touchpoint_key asc nulls last
        ) as touch_position,
        count(*) over (partition by conversion_key, lookback_days) as path_length,
        {{ seconds_between('touched_at', 'converted_at') }} / 86400.0 as age_days,
        touched_at
    from touches_by_lookback

)

select * from final
