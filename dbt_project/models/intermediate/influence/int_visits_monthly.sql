with clicks as (

    select
        channel_id,
        cast(date_trunc('month', {{ reporting_date('touched_at') }}) as date) as visit_month_date
    from {{ ref('int_touchpoints') }}
    where touch_kind = 'click' and channel_id is not null

),

final as (

    select
        channel_id,
        visit_month_date,
        count(*) as visit_count
    from clicks
    group by channel_id, visit_month_date

)

select * from final
