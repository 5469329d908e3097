{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}

),

touchpoints_on_records as (

    select * from {{ ref('int_touchpoints') }}
    where channel_id is not null and {{ within('conversion', 'conversion_key') }}

),

-- The window of all path configurations together: each keeps a part of it.
widest_window as (

    select
        max(lookback_days) as lookback_days,
        min(case when is_reset_after_conversion then 1 else 0 end) as is_always_reset
    from {{ ref('path_configurations') }}

),

conversions_in_order as (

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

conversions_with_previous as (

    select * from conversions_in_order
    where {{ within('conversion', 'conversion_key') }}

),

-- Touches before the earliest of these windows are on no path.
touchpoints as (

    select * from {{ ref('int_touchpoints') }}
    where
        channel_id is not null
        and touched_at > (
            select {{ plus_days(
                'min(conversions_with_previous.converted_at)',
                '-max(widest_window.lookback_days)'
            ) }}
            from conversions_with_previous
            cross join widest_window
        )

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
        touchpoints.touched_at,
        coalesce(
            touchpoints.touched_at <= conversions_with_previous.previous_converted_at, false
        ) as is_spent
    from conversions_with_previous
    inner join touchpoints
        on
            conversions_with_previous.person_key = touchpoints.person_key
            and conversions_with_previous.converted_at >= touchpoints.touched_at
    cross join widest_window
    where
        touchpoints.touched_at > {{ plus_days(
            'conversions_with_previous.converted_at', '-widest_window.lookback_days'
        ) }}
        and (
            conversions_with_previous.previous_converted_at is null
            or touchpoints.touched_at > conversions_with_previous.previous_converted_at
            or widest_window.is_always_reset = 0
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

touches_of_conversion as (

    select * from touches_before_conversion

    union all

    select
        conversions.conversion_key,
        conversions.converted_at,
        touchpoints_on_records.touchpoint_key,
        touchpoints_on_records.channel_id,
        touchpoints_on_records.touch_kind,
        touchpoints_on_records.touched_at,
        false as is_spent
    from conversions
    inner join touchpoints_on_records
        on conversions.conversion_key = touchpoints_on_records.conversion_key

),

final as (

    select
        {{ surrogate_key(['conversion_key', 'touchpoint_key']) }} as path_touch_key,
        conversion_key,
        touchpoint_key,
        channel_id,
        touch_kind,
        row_number() over (
            partition by conversion_key
            order by
                case when is_spent then 0 else 1 end asc nulls last,
                touched_at asc nulls last,
                channel_id asc nulls last,
                touch_kind asc nulls last,
                touchpoint_key asc nulls last
        ) as touch_position,
        count(*) over (partition by conversion_key) as path_length,
        cast({{ seconds_between('touched_at', 'converted_at') }} as double) / 86400 as age_days,
        is_spent,
        touched_at
    from touches_of_conversion

)

select * from final
