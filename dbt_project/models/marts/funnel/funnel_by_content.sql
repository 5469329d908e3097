{%- set metric_columns = [
    'impressions_count', 'profile_visits_count', 'video_views_count', 'media_views_count',
    'link_clicks_count', 'new_follows_count', 'youtube_views_count', 'thumbnail_impressions_count',
    'subscribers_net_count', 'watch_time_hours',
] -%}

with contents as (

    select * from {{ ref('dim_content') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

interactions as (

    select * from {{ ref('fct_interactions') }}

),

engagements as (

    select * from {{ ref('fct_engagements') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

metrics_by_content as (

    select
        {%- for column in metric_columns %}
        sum(
            case
                when
                    feeds_funnel_as = '{{ column }}' and metric_basis = 'lifetime'
                    then metric_value
            end
        ) as lifetime_{{ column }},
        sum(
            case
                when feeds_funnel_as = '{{ column }}' and metric_basis = 'day' then metric_value
            end
        ) as day_summed_{{ column }},
        {%- endfor %}
        content_key
    from metrics
    where content_key is not null
    group by content_key

),

answers as (

    select
        'interaction' as word,
        content_key,
        known_as,
        count_basis,
        interaction_count as answer_count
    from interactions
    where is_incoming and content_key is not null

    union all

    select
        'engagement' as word,
        content_key,
        known_as,
        count_basis,
        engagement_count as answer_count
    from engagements
    where is_incoming and content_key is not null

),

answers_by_content as (

    select
        {%- for word in ['interaction', 'engagement'] %}
        sum(case when word = '{{ word }}' and known_as = 'person' then answer_count end)
            as person_{{ word }}_count,
        sum(case when word = '{{ word }}' and count_basis = 'lifetime' then answer_count end)
            as lifetime_{{ word }}_count,
        sum(case when word = '{{ word }}' and count_basis = 'day' then answer_count end)
            as day_summed_{{ word }}_count,
        {%- endfor %}
        content_key
    from answers
    group by content_key

),

touches_by_content as (

    select
        content_key,
        count(*) as touch_count
    from touchpoints
    where content_key is not null
    group by content_key

),

final as (

    select
        contents.content_key,
        contents.account_key,
        contents.platform_id,
        contents.content_kind,
        {%- for prefix in ['lifetime', 'day_summed'] %}
        {%- for column in metric_columns if column != 'watch_time_hours' %}
        cast(round(metrics_by_content.{{ prefix }}_{{ column }}) as bigint)
            as {{ prefix }}_{{ column }},
        {%- endfor %}
        metrics_by_content.{{ prefix }}_watch_time_hours,
        {%- endfor %}
        {%- for word in ['interaction', 'engagement'] %}
        {%- for prefix in ['person', 'lifetime', 'day_summed'] %}
        cast(answers_by_content.{{ prefix }}_{{ word }}_count as bigint)
            as {{ prefix }}_{{ word }}_count,
        {%- endfor %}
        {%- endfor %}
        cast(touches_by_content.touch_count as bigint) as touch_count,
        contents.published_date
    from contents
    left join metrics_by_content on contents.content_key = metrics_by_content.content_key
    left join answers_by_content on contents.content_key = answers_by_content.content_key
    left join touches_by_content on contents.content_key = touches_by_content.content_key

)

select * from final
