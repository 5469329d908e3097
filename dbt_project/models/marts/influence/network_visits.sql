with network_visits as (

    select * from {{ source('measurement', 'network_visits') }}

),

final as (

    select
        {{ surrogate_key(['period', 'channel_id']) }} as network_visits_key,
        period,
        channel_id,
        referred_count,
        direct_count,
        direct_share,
        visit_count_lower,
        visit_count,
        visit_count_upper,
        method,
        assumption_ids,
        visit_status,
        reason,
        month_date
    from network_visits

)

select * from final
