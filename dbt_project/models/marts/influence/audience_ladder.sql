with figures as (

    select * from {{ source('measurement', 'audience_figures') }}

),

periods as (

    select * from {{ ref('int_audience_periods') }}

),

final as (

    select
        {{ surrogate_key(['figures.period', 'figures.platform_id', 'figures.step']) }}
            as audience_figure_key,
        figures.platform_id,
        figures.period,
        figures.step,
        case
            when figures.step in ('actor_coverage', 'silent_buyer_share') then 'share' else 'people'
        end as unit,
        figures.basis_count,
        figures.figure,
        figures.lower_bound,
        figures.upper_bound,
        figures.status,
        figures.reason,
        figures.method,
        figures.assumption_ids,
        periods.period_start_date,
        periods.period_end_date
    from figures
    inner join periods on figures.period = periods.period

)

select * from final
