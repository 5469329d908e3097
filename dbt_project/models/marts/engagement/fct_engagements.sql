{{ config(materialized='replaced') }}
with activities as (

    select * from {{ ref('int_activities') }}

),

final as (

    select
        activity_key as engagement_key,
        content_key,
        account_key,
        person_key,
        platform_id,
        native_event,
        activity_kind,
        known_as,
        count_basis,
        activity_count as engagement_count,
        is_incoming,
        is_provisional,
        activity_date as engagement_date,
        acted_at as engaged_at
    from activities
    where word = 'engagement' and {{ within('day', 'activity_date') }}

)

select * from final
