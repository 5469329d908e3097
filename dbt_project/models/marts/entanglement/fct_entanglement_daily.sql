with entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

final as (

    select
        entanglement_day_key,
        account_key,
        platform_id,
        known_as,
        started_count,
        withdrawn_count,
        net_count,
        standing_count,
        is_provisional,
        entanglement_date
    from entanglement_days

)

select * from final
