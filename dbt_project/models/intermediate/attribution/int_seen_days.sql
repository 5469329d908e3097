{{ config(materialized='replaced') }}
-- A conversion's evidence shows no export of touches.
with touchpoints as (
    {{ rows_within(ref('int_touchpoints'), {'touched_at': 'day'}) }}

),

visits as (
    {{ union_staged(
        'visits', ['identifier_type', 'visited_at'], within={'visited_at': 'day'}
    ) }}

),

final as (

    select
        identifier_type,
        case when touch_kind = 'entanglement' then platform_id else '' end as start_platform_id,
        cast(touched_at as date) as seen_day
    from touchpoints
    where touch_kind <> 'evidence'

    union

    select
        identifier_type,
        '' as start_platform_id,
        cast(visited_at as date) as seen_day
    from visits

)

select * from final
