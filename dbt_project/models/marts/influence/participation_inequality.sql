with figures as (

    select * from {{ source('measurement', 'participation_figures') }}

),

periods as (

    select * from {{ ref('int_audience_periods') }}

),

published_figures as (

    select * from {{ ref('published_participation') }}
    where is_beside_figures

),

final as (

    select
        {{ surrogate_key(['figures.period', 'figures.platform_id', 'figures.measure']) }}
            as participation_figure_key,
        figures.platform_id,
        figures.period,
        figures.measure,
        figures.basis_count,
        figures.figure,
        figures.lower_bound,
        figures.upper_bound,
        figures.status,
        figures.reason,
        figures.method,
        figures.assumption_ids,
        published_figures.figure as published_figure,
        published_figures.source as published_source,
        cast(published_figures.published_year as bigint) as published_year,
        periods.period_start_date,
        periods.period_end_date
    from figures
    inner join periods on figures.period = periods.period
    left join published_figures on figures.measure = published_figures.measure

)

select * from final
