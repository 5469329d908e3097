with assumptions as (

    select * from {{ ref('assumptions') }}

),

final as (

    select
        assumption_id,
        assumption_text,
        assumption_source,
        is_default
    from assumptions

)

select * from final
