{{ config(materialized='replaced') }}
with visits as (
    {{ union_staged('visits', [
        'click_id_name',
        'utm_source',
        'utm_medium',
        'utm_campaign',
        'referrer_host',
        'visited_at',
    ], within={'visited_at': 'day'}) }}

),

final as (

    select distinct
        cast(visited_at as date) as visit_day,
        click_id_name,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host
    from visits

)

select * from final
