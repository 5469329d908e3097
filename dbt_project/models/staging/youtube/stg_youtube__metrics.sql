{%- set metrics = [
    'view_count', 'engaged_views', 'watch_time_hours', 'average_view_duration_seconds',
    'average_percentage_viewed_share', 'stayed_to_watch_share', 'impressions',
    'impressions_click_through_share', 'unique_viewers', 'new_viewers', 'returning_viewers',
    'casual_viewers', 'regular_viewers', 'subscribers_net', 'subscribers_gained',
    'subscribers_lost', 'likes', 'dislikes', 'comments_added', 'share_count',
] -%}
{#- `views` and `shares` are key words, so no columns. -#}
{%- set metric_ids = {'view_count': 'views', 'share_count': 'shares'} -%}

with table_data as (

    select * from {{ ref('stg_youtube__table_data') }}
    where video_id is not null

),

chart_data as (

    select * from {{ ref('stg_youtube__chart_data') }}
    where video_id is not null

),

totals as (

    select * from {{ ref('stg_youtube__totals') }}

),

measured_periods as (

    select
        video_id,
        'lifetime' as metric_basis,
        cast(null as date) as reported_date,
        {{ metrics | join(',\n        ') }},
        false as is_provisional,
        exported_at,
        export_rank,
        _source_row_number
    from table_data

    union all

    select
        video_id,
        'day' as metric_basis,
        reported_date,
        {{ metrics | join(',\n        ') }},
        is_provisional,
        exported_at,
        export_rank,
        _source_row_number
    from chart_data

    union all

    select
        cast(null as string) as video_id,
        'day' as metric_basis,
        reported_date,
        {{ metrics | join(',\n        ') }},
        is_provisional,
        exported_at,
        export_rank,
        _source_row_number
    from totals

),

metric_names as (
    {% for metric in metrics %}
    select '{{ metric_ids.get(metric, metric) }}' as metric_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

),

single_metrics as (

    select
        measured_periods.*,
        metric_names.metric_id,
        case metric_names.metric_id
            {%- for metric in metrics %}
            when '{{ metric_ids.get(metric, metric) }}' then measured_periods.{{ metric }}
            {%- endfor %}
        end as metric_value
    from measured_periods
    cross join metric_names

),

-- Each export has the columns that its user picked: the later export wins per metric, not per row.
ranked_metrics as (

    select
        *,
        row_number() over (
            partition by video_id, metric_basis, reported_date, metric_id
            order by export_rank desc nulls last, _source_row_number desc nulls last
        ) as export_recency
    from single_metrics
    where metric_value is not null

),

-- The channel's subscribers by day are entanglement totals.
final as (

    select
        cast('youtube' as string) as platform_id,
        cast('(this account)' as string) as account_id,
        cast(video_id as string) as content_id,
        cast(metric_id as string) as metric_id,
        cast(metric_basis as string) as metric_basis,
        cast(coalesce(reported_date, {{ reporting_date('exported_at') }}) as date) as metric_date,
        cast(metric_value as double) as metric_value,
        cast(is_provisional as boolean) as is_provisional
    from ranked_metrics
    where
        export_recency = 1
        and (
            video_id is not null
            or metric_id not in ('subscribers_net', 'subscribers_gained', 'subscribers_lost')
        )

)

select * from final
