{%- set day_metrics = [
    'impressions', 'profile_visits', 'video_views', 'media_views', 'platform_engagements',
] -%}
{%- set lifetime_metrics = [
    'impressions', 'profile_visits', 'detail_expands', 'url_clicks', 'hashtag_clicks',
    'permalink_clicks', 'new_follows', 'platform_engagements',
] -%}

with overview as (

    select * from {{ ref('stg_x__analytics_overview') }}

),

analytics_contents as (

    select * from {{ ref('stg_x__analytics_content') }}

),

contents as (

    select * from {{ ref('stg_x__contents') }}

),

measured as (
    {% for metric in day_metrics %}
    select
        account_id,
        cast(null as string) as content_id,
        '{{ metric }}' as metric_id,
        'day' as metric_basis,
        reported_date as metric_date,
        {{ metric }} as metric_value,
        is_provisional
    from overview
    where {{ metric }} is not null

    union all
    {% endfor %}
    {%- for metric in lifetime_metrics %}
    select
        contents.account_id,
        contents.content_id,
        '{{ metric }}' as metric_id,
        'lifetime' as metric_basis,
        {{ reporting_date('analytics_contents.exported_at') }} as metric_date,
        analytics_contents.{{ metric }} as metric_value,
        false as is_provisional
    from analytics_contents
    inner join contents on analytics_contents.post_id = contents.content_id
    where analytics_contents.{{ metric }} is not null
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

final as (

    select
        cast('x' as string) as platform_id,
        cast(account_id as string) as account_id,
        cast(content_id as string) as content_id,
        cast(metric_id as string) as metric_id,
        cast(metric_basis as string) as metric_basis,
        cast(metric_date as date) as metric_date,
        cast(metric_value as double) as metric_value,
        cast(is_provisional as boolean) as is_provisional
    from measured

)

select * from final
