with activities as (

    select * from {{ ref('int_activities') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

contents as (

    select * from {{ ref('int_contents') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

funnel_sources as (

    select * from {{ ref('funnel_sources') }}

),

-- The same numbers that feed the funnel, so that what is tested is what people look at.
days as (

    select
        'proxy' as series_kind,
        metrics.platform_id,
        'reception' as proxy_id,
        metrics.metric_value as daily_value,
        metrics.metric_date as series_date
    from metrics
    inner join funnel_sources
        on
            metrics.platform_id = funnel_sources.platform_id
            and metrics.known_as = funnel_sources.known_as
            and metrics.metric_basis = funnel_sources.count_basis
    where
        funnel_sources.stage = 'reception'
        and metrics.content_key is null
        and metrics.feeds_funnel_as in ('impressions_count', 'youtube_views_count')

    union all

    select
        'proxy' as series_kind,
        activities.platform_id,
        activities.word as proxy_id,
        cast(activities.activity_count as double) as daily_value,
        activities.activity_date as series_date
    from activities
    inner join funnel_sources
        on
            activities.platform_id = funnel_sources.platform_id
            and activities.word = funnel_sources.stage
            and activities.known_as = funnel_sources.known_as
            and activities.count_basis = funnel_sources.count_basis
    where
        activities.is_incoming
        and (activities.count_basis <> 'day' or activities.content_key is null)

    union all

    select
        'proxy' as series_kind,
        entanglement_days.platform_id,
        'entanglement' as proxy_id,
        cast(
            coalesce(entanglement_days.started_count, entanglement_days.net_count) as double
        ) as daily_value,
        entanglement_days.entanglement_date as series_date
    from entanglement_days
    inner join funnel_sources
        on
            entanglement_days.platform_id = funnel_sources.platform_id
            and entanglement_days.known_as = funnel_sources.known_as
    where funnel_sources.stage = 'entanglement'

    union all

    select
        'posts' as series_kind,
        platform_id,
        'posts' as proxy_id,
        cast(1 as double) as daily_value,
        published_date as series_date
    from contents

    union all

    select
        'purchases' as series_kind,
        '(all)' as platform_id,
        'purchases' as proxy_id,
        cast(1 as double) as daily_value,
        converted_date as series_date
    from conversions
    where conversion_kind in ('order', 'payment') and not is_fully_reversed

),

weeks as (

    select
        series_kind,
        platform_id,
        proxy_id,
        cast(date_trunc('week', series_date) as date) as week_start_date,
        sum(daily_value) as weekly_value,
        min(series_date) as first_series_date,
        max(series_date) as last_series_date
    from days
    where series_date is not null and daily_value is not null
    group by series_kind, platform_id, proxy_id, cast(date_trunc('week', series_date) as date)

),

final as (

    select
        {{ surrogate_key(['series_kind', 'platform_id', 'proxy_id', 'week_start_date']) }}
            as weekly_series_key,
        series_kind,
        platform_id,
        proxy_id,
        weekly_value,
        week_start_date,
        first_series_date,
        last_series_date
    from weeks

)

select * from final
