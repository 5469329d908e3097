{{ config(materialized='replaced') }}
with staged_activities as (
    {{ union_staged('activities', [
        'platform_id',
        'native_event',
        'activity_id',
        'account_id',
        'content_id',
        'identifier_type',
        'identifier_value',
        'activity_count',
        'known_as',
        'count_basis',
        'is_incoming',
        'occurred_at',
        'is_provisional',
    ], within={
        reporting_date('occurred_at'): 'day',
        'identifier_value': 'identifier',
    }, time='occurred_at') }}

),

native_events as (

    select * from {{ ref('native_events') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

people as (

    select * from {{ ref('int_people') }}

),

activities_with_word as (

    select
        staged_activities.platform_id,
        staged_activities.native_event,
        staged_activities.activity_id,
        coalesce(staged_activities.account_id, '(unknown)') as account_id,
        staged_activities.content_id,
        coalesce(native_events.word, '(unmapped)') as word,
        coalesce(native_events.activity_kind, '(unmapped)') as activity_kind,
        staged_activities.identifier_type,
        staged_activities.identifier_value,
        staged_activities.known_as,
        staged_activities.count_basis,
        staged_activities.activity_count,
        staged_activities.is_incoming,
        staged_activities.is_provisional,
        {{ reporting_date('staged_activities.occurred_at') }} as activity_date,
        -- A total has a day and no moment.
        case
            when staged_activities.count_basis = 'event' then staged_activities.occurred_at
        end as acted_at
    from staged_activities
    left join native_events
        on
            staged_activities.platform_id = native_events.platform_id
            and staged_activities.native_event = native_events.native_event

),

-- Some platforms give likes and comments only among their metrics (YouTube).
counted_activities as (

    select
        platform_id,
        metric_id as native_event,
        metric_key as activity_id,
        account_id,
        content_id,
        word,
        metric_name as activity_kind,
        cast(null as {{ dbt.type_string() }}) as identifier_type,
        cast(null as {{ dbt.type_string() }}) as identifier_value,
        known_as,
        metric_basis as count_basis,
        cast(round(metric_value) as bigint) as activity_count,
        true as is_incoming,
        is_provisional,
        metric_date as activity_date,
        cast(null as timestamp) as acted_at
    from metrics
    where word in ('interaction', 'engagement') and {{ within('day', 'metric_date') }}

),

activities as (

    select * from activities_with_word

    union all

    select * from counted_activities

),

final as (

    select
        {{ surrogate_key([
            'activities.platform_id', 'activities.native_event', 'activities.activity_id',
        ]) }} as activity_key,
        case
            when activities.content_id is not null
                then {{ surrogate_key(['activities.platform_id', 'activities.content_id']) }}
        end as content_key,
        {{ surrogate_key(['activities.platform_id', 'activities.account_id']) }} as account_key,
        people.person_key,
        activities.activity_id,
        activities.content_id,
        activities.account_id,
        activities.platform_id,
        activities.native_event,
        activities.word,
        activities.activity_kind,
        activities.identifier_type,
        activities.identifier_value,
        activities.known_as,
        activities.count_basis,
        activities.activity_count,
        activities.is_incoming,
        activities.is_provisional,
        activities.activity_date,
        activities.acted_at
    from activities
    left join people
        on
            activities.identifier_type = people.identifier_type
            and activities.identifier_value = people.identifier_value

)

select * from final
