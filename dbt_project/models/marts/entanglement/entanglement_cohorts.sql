with figures as (

    select * from {{ source('measurement', 'entanglement_cohort_figures') }}

),

published_figures as (

    select * from {{ ref('published_participation') }}
    where is_beside_figures

),

final as (

    select
        {{ surrogate_key(['figures.platform_id', 'figures.cohort', 'figures.measure']) }}
            as cohort_figure_key,
        figures.platform_id,
        figures.cohort,
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
        published_figures.upper_figure as published_upper_figure,
        published_figures.source as published_source,
        cast(published_figures.published_year as bigint) as published_year
    from figures
    left join published_figures on figures.measure = published_figures.measure

)

select * from final
