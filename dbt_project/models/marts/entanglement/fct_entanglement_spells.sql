with spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

final as (

    select
        spell_key,
        account_key,
        person_key,
        platform_id,
        identifier_type,
        start_known_as,
        end_known_as,
        spell_number,
        start_window_days,
        end_window_days,
        is_left_truncated,
        is_open,
        started_date,
        ended_date,
        started_at,
        ended_at
    from spells

)

select * from final
