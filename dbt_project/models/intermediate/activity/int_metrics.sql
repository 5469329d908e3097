with staged_metrics as (

    {{ union_staged('metrics', [
        'platform_id',
        'account_id',
        'content_id',
        'metric_id',
        'metric_basis',
        'metric_date',
        'metric_value',
        'is_provisional',
    ]) | indent(4) }}

),

metric_definitions as (

    select * from {{ ref('metric_definitions') }}

),

final as (

    select
        {{ surrogate_key([
            'staged_metrics.platform_id',
            'staged_metrics.account_id',
            'staged_metrics.content_id',
            'staged_metrics.metric_id',
            'staged_metrics.metric_basis',
            'staged_metrics.metric_date',
        ]) }} as metric_key,
        case
            when staged_metrics.content_id is not null
                then {{ surrogate_key([
                    'staged_metrics.platform_id', 'staged_metrics.content_id',
                ]) }}
        end as content_key,
        {{ surrogate_key([
            'staged_metrics.platform_id', "coalesce(staged_metrics.account_id, '(unknown)')",
        ]) }} as account_key,
        staged_metrics.content_id,
        coalesce(staged_metrics.account_id, '(unknown)') as account_id,
        staged_metrics.platform_id,
        staged_metrics.metric_id,
        coalesce(metric_definitions.word, '(unmapped)') as word,
        coalesce(metric_definitions.metric_name, '(unmapped)') as metric_name,
        metric_definitions.feeds_funnel_as,
        'total' as known_as,
        staged_metrics.metric_basis,
        staged_metrics.metric_value,
        staged_metrics.is_provisional,
        staged_metrics.metric_date
    from staged_metrics
    left join metric_definitions
        on
            staged_metrics.platform_id = metric_definitions.platform_id
            and staged_metrics.metric_id = metric_definitions.metric_id

)

select * from final
