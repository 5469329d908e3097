{%- set metric_columns = [
    'impressions_count', 'profile_visits_count', 'video_views_count', 'media_views_count',
    'youtube_views_count', 'thumbnail_impressions_count', 'watch_time_hours',
] -%}

with metrics as (

    select * from {{ ref('int_metrics') }}

),

interactions as (

    select * from {{ ref('fct_interactions') }}

),

engagements as (

    select * from {{ ref('fct_engagements') }}

),

entanglement_days as (

    select * from {{ ref('fct_entanglement_daily') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

conversion_links as (

    select * from {{ ref('fct_conversion_links') }}

),

conversion_paths as (

    select * from {{ ref('int_conversion_paths') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

funnel_sources as (

    select * from {{ ref('funnel_sources') }}

),

-- An account's own total, never the sum of its contents: exports list only the top ones.
reception_by_day as (

    select
        metrics.platform_id,
        metrics.metric_date as funnel_date,
        {%- for column in metric_columns %}
        sum(case when metrics.feeds_funnel_as = '{{ column }}' then metrics.metric_value end)
            as {{ column }},
        {%- endfor %}
        max(case when metrics.is_provisional then 1 else 0 end) as provisional_part
    from metrics
    inner join funnel_sources
        on
            metrics.platform_id = funnel_sources.platform_id
            and metrics.known_as = funnel_sources.known_as
            and metrics.metric_basis = funnel_sources.count_basis
    where
        funnel_sources.stage = 'reception'
        and metrics.word = 'reception'
        and metrics.feeds_funnel_as is not null
        and metrics.content_key is null
    group by metrics.platform_id, metrics.metric_date

),

answers as (

    select
        'interaction' as funnel_stage,
        platform_id,
        known_as,
        count_basis,
        interaction_count as answer_count,
        is_provisional,
        interaction_date as funnel_date
    from interactions
    where is_incoming and (count_basis <> 'day' or content_key is null)

    union all

    select
        'engagement' as funnel_stage,
        platform_id,
        known_as,
        count_basis,
        engagement_count as answer_count,
        is_provisional,
        engagement_date as funnel_date
    from engagements
    where is_incoming and (count_basis <> 'day' or content_key is null)

),

days_with_listed_answers as (

    select distinct
        platform_id,
        funnel_date
    from answers
    where count_basis = 'event'

),

-- A list of events that shows one on a day covers that day: what it does not show there is 0, what
-- happened on other days is unknown.
answers_that_feed as (

    select
        answers.funnel_stage,
        answers.platform_id,
        answers.answer_count,
        answers.is_provisional,
        answers.funnel_date
    from answers
    inner join funnel_sources
        on
            answers.platform_id = funnel_sources.platform_id
            and answers.funnel_stage = funnel_sources.stage
            and answers.known_as = funnel_sources.known_as
            and answers.count_basis = funnel_sources.count_basis

    union all

    select
        funnel_sources.stage as funnel_stage,
        days_with_listed_answers.platform_id,
        0 as answer_count,
        false as is_provisional,
        days_with_listed_answers.funnel_date
    from days_with_listed_answers
    inner join funnel_sources
        on days_with_listed_answers.platform_id = funnel_sources.platform_id
    where
        funnel_sources.stage in ('interaction', 'engagement')
        and funnel_sources.count_basis = 'event'

),

answers_by_day as (

    select
        platform_id,
        funnel_date,
        sum(case when funnel_stage = 'interaction' then answer_count end) as interaction_count,
        sum(case when funnel_stage = 'engagement' then answer_count end) as engagement_count,
        max(case when is_provisional then 1 else 0 end) as provisional_part
    from answers_that_feed
    group by platform_id, funnel_date

),

entanglement_by_day as (

    select
        entanglement_days.platform_id,
        entanglement_days.entanglement_date as funnel_date,
        sum(entanglement_days.started_count) as entangled_started_count,
        sum(entanglement_days.withdrawn_count) as entangled_withdrawn_count,
        sum(entanglement_days.net_count) as entangled_net_count,
        max(case when entanglement_days.is_provisional then 1 else 0 end)
            as provisional_part
    from entanglement_days
    inner join funnel_sources
        on
            entanglement_days.platform_id = funnel_sources.platform_id
            and entanglement_days.known_as = funnel_sources.known_as
    where funnel_sources.stage = 'entanglement'
    group by entanglement_days.platform_id, entanglement_days.entanglement_date

),

touches_by_day as (

    select
        channels.platform_id,
        touchpoints.touched_date as funnel_date,
        count(*) as touch_count
    from touchpoints
    inner join channels on touchpoints.channel_id = channels.channel_id
    where channels.platform_id is not null
    group by channels.platform_id, touchpoints.touched_date

),

platforms_met as (

    select distinct
        conversion_paths.conversion_key,
        channels.platform_id
    from conversion_paths
    inner join channels on conversion_paths.channel_id = channels.channel_id
    where channels.platform_id is not null

),

-- Every conversion stands in a row at least: one that met no platform where it is said why.
conversions_met as (

    select
        conversion_key,
        platform_id
    from platforms_met

    union all

    select
        conversions.conversion_key,
        case conversion_links.link_state
            when 'linked' then '(other channel)'
            when 'direct' then '(direct)'
            when 'no_touch' then '(no touch)'
            else '(unknown)'
        end as platform_id
    from conversions
    left join platforms_met on conversions.conversion_key = platforms_met.conversion_key
    left join conversion_links on conversions.conversion_key = conversion_links.conversion_key
    where platforms_met.conversion_key is null

),

conversions_by_day as (

    select
        conversions_met.platform_id,
        conversions.converted_date as funnel_date,
        count(*) as met_conversion_count,
        sum(conversions.net_amount_reporting) as met_net_amount
    from conversions_met
    inner join conversions on conversions_met.conversion_key = conversions.conversion_key
    group by conversions_met.platform_id, conversions.converted_date

),

days_with_conversions as (

    select distinct converted_date as funnel_date
    from conversions

),

platform_days as (

    select
        platform_id,
        funnel_date
    from reception_by_day

    union distinct

    select
        platform_id,
        funnel_date
    from answers_by_day

    union distinct

    select
        platform_id,
        funnel_date
    from entanglement_by_day

    union distinct

    select
        platform_id,
        funnel_date
    from touches_by_day

    union distinct

    select
        platform_id,
        funnel_date
    from conversions_by_day

),

final as (

    select
        {{ surrogate_key(['platform_days.platform_id', 'platform_days.funnel_date']) }}
            as funnel_day_key,
        platform_days.platform_id,
        {%- for column in metric_columns if column != 'watch_time_hours' %}
        cast(round(reception_by_day.{{ column }}) as bigint) as {{ column }},
        {%- endfor %}
        reception_by_day.watch_time_hours,
        cast(entanglement_by_day.entangled_started_count as bigint) as entangled_started_count,
        cast(entanglement_by_day.entangled_withdrawn_count as bigint) as entangled_withdrawn_count,
        cast(entanglement_by_day.entangled_net_count as bigint) as entangled_net_count,
        cast(answers_by_day.interaction_count as bigint) as interaction_count,
        cast(answers_by_day.engagement_count as bigint) as engagement_count,
        cast(touches_by_day.touch_count as bigint) as touch_count,
        cast(
            case
                when days_with_conversions.funnel_date is not null
                    then coalesce(conversions_by_day.met_conversion_count, 0)
            end as bigint
        ) as met_conversion_count,
        cast(
            case
                when days_with_conversions.funnel_date is not null
                    then coalesce(conversions_by_day.met_net_amount, 0)
            end as decimal(18, 2)
        ) as met_net_amount,
        coalesce(reception_by_day.provisional_part, 0) = 1
        or coalesce(answers_by_day.provisional_part, 0) = 1
        or coalesce(entanglement_by_day.provisional_part, 0) = 1 as is_provisional,
        platform_days.funnel_date
    from platform_days
    left join reception_by_day
        on
            platform_days.platform_id = reception_by_day.platform_id
            and platform_days.funnel_date = reception_by_day.funnel_date
    left join answers_by_day
        on
            platform_days.platform_id = answers_by_day.platform_id
            and platform_days.funnel_date = answers_by_day.funnel_date
    left join entanglement_by_day
        on
            platform_days.platform_id = entanglement_by_day.platform_id
            and platform_days.funnel_date = entanglement_by_day.funnel_date
    left join touches_by_day
        on
            platform_days.platform_id = touches_by_day.platform_id
            and platform_days.funnel_date = touches_by_day.funnel_date
    left join conversions_by_day
        on
            platform_days.platform_id = conversions_by_day.platform_id
            and platform_days.funnel_date = conversions_by_day.funnel_date
    left join days_with_conversions
        on platform_days.funnel_date = days_with_conversions.funnel_date

)

select * from final
