{{ config(materialized='replaced') }}
with touchpoints as (
    {{ rows_within(
        ref('int_touchpoints'), {reporting_date('touched_at'): 'day'}, time='touched_at'
    ) }}

),

final as (

    select
        touchpoint_key,
        person_key,
        conversion_key,
        case
            when content_id is not null
                then {{ surrogate_key(['platform_id', 'content_id']) }}
        end as content_key,
        platform_id,
        coalesce(channel_id, '(unknown)') as channel_id,
        touch_kind,
        campaign,
        {{ reporting_date('touched_at') }} as touched_date,
        touched_at
    from touchpoints

)

select * from final
