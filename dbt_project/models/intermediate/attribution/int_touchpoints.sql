{{ config(materialized='replaced') }}
with visits as (
    {{ union_staged('visits', [
        'platform_id',
        'visit_id',
        'identifier_type',
        'identifier_value',
        'utm_source',
        'utm_medium',
        'utm_campaign',
        'referrer_host',
        'click_id_name',
        'is_bot',
        'visited_at',
    ], within={'visited_at': 'day', 'identifier_value': 'identifier'}) }}

),

activities as (
    {{ union_staged('activities', [
        'platform_id',
        'native_event',
        'activity_id',
        'content_id',
        'identifier_type',
        'identifier_value',
        'is_incoming',
        'occurred_at',
    ], within={'occurred_at': 'day', 'identifier_value': 'identifier'}) }}

),

entanglements as (
    {{ union_staged('entanglements', [
        'platform_id',
        'account_id',
        'identifier_type',
        'identifier_value',
        'entanglement_event',
        'occurred_at',
        'known_as',
    ], within={'occurred_at': 'day', 'identifier_value': 'identifier'}) }}

),

native_events as (

    select * from {{ ref('native_events') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

conversion_records as (

    select * from {{ ref('int_conversion_records') }}

),

people as (

    select * from {{ ref('int_people') }}

),

traffic_channels as (

    select * from {{ ref('int_traffic_classified') }}

),

clicks as (

    select
        {{ surrogate_key(["'visit'", 'platform_id', 'visit_id']) }} as touchpoint_key,
        {{ traffic_key({
            'click_id_name': 'click_id_name',
            'utm_source': 'utm_source',
            'utm_medium': 'utm_medium',
            'utm_campaign': 'utm_campaign',
            'referrer_host': 'referrer_host',
        }) }} as traffic_key,
        identifier_type,
        identifier_value,
        platform_id,
        'click' as touch_kind,
        case
            when click_id_name is not null then 'click_id'
            when coalesce(utm_source, utm_medium, utm_campaign) is not null then 'utm'
            when referrer_host is not null then 'referrer'
        end as evidence_type,
        utm_campaign as campaign,
        visited_at
    from visits
    where not is_bot

),

-- One follow may be reported twice, by two exports of the same event under other ids.
starts as (

    select distinct
        platform_id,
        account_id,
        identifier_type,
        identifier_value,
        occurred_at
    from entanglements
    where
        entanglement_event = 'started'
        and known_as = 'reported'
        and identifier_value is not null

),

touches_of_identifiers as (

    select
        touchpoint_key,
        traffic_key,
        identifier_type,
        identifier_value,
        platform_id,
        cast(null as string) as content_id,
        touch_kind,
        evidence_type,
        campaign,
        visited_at as touched_at
    from clicks

    union all

    select
        {{ surrogate_key([
            "'activity'",
            'activities.platform_id',
            'activities.native_event',
            'activities.activity_id',
        ]) }} as touchpoint_key,
        {{ traffic_key({'platform': 'activities.platform_id'}) }} as traffic_key,
        activities.identifier_type,
        activities.identifier_value,
        activities.platform_id,
        activities.content_id,
        native_events.word as touch_kind,
        cast(null as string) as evidence_type,
        cast(null as string) as campaign,
        activities.occurred_at as touched_at
    from activities
    inner join native_events
        on
            activities.platform_id = native_events.platform_id
            and activities.native_event = native_events.native_event
    where activities.is_incoming and activities.identifier_value is not null

    union all

    select
        {{ surrogate_key([
            "'entanglement'",
            'platform_id',
            'account_id',
            'identifier_type',
            'identifier_value',
            'occurred_at',
        ]) }} as touchpoint_key,
        {{ traffic_key({'platform': 'platform_id'}) }} as traffic_key,
        identifier_type,
        identifier_value,
        platform_id,
        cast(null as string) as content_id,
        'entanglement' as touch_kind,
        cast(null as string) as evidence_type,
        cast(null as string) as campaign,
        occurred_at as touched_at
    from starts

),

touches_of_people as (

    select
        touches_of_identifiers.touchpoint_key,
        people.person_key,
        touches_of_identifiers.identifier_type,
        touches_of_identifiers.identifier_value,
        touches_of_identifiers.platform_id,
        touches_of_identifiers.content_id,
        cast(null as string) as conversion_key,
        case
            when
                touches_of_identifiers.touch_kind = 'click'
                and touches_of_identifiers.evidence_type is null
                then '(direct)'
            else traffic_channels.channel_id
        end as channel_id,
        touches_of_identifiers.touch_kind,
        touches_of_identifiers.evidence_type,
        touches_of_identifiers.campaign,
        touches_of_identifiers.touched_at
    from touches_of_identifiers
    left join people
        on
            touches_of_identifiers.identifier_type = people.identifier_type
            and touches_of_identifiers.identifier_value = people.identifier_value
    left join traffic_channels
        on touches_of_identifiers.traffic_key = traffic_channels.traffic_key

),

-- UTM, click id and referrer of one record describe one click, so they are one touch; so are
-- codes of one channel.
ranked_records as (

    select
        conversion_records.*,
        row_number() over (
            partition by
                conversion_records.conversion_key,
                case
                    when conversion_records.evidence_type in ('click_id', 'utm', 'referrer')
                        then 'click'
                    else
                        concat(
                            conversion_records.evidence_type, ' ', conversion_records.channel_id
                        )
                end
            order by
                conversion_records.evidence_tier asc nulls last,
                conversion_records.evidence_type desc nulls last,
                conversion_records.evidence_at desc nulls last,
                conversion_records.evidence_key asc nulls last
        ) as record_rank
    from conversion_records
    where
        conversion_records.evidence_type <> 'self_report'
        and conversion_records.channel_id is not null
        and {{ within('conversion', 'conversion_records.conversion_key') }}

),

touches_on_records as (

    select
        ranked_records.evidence_key as touchpoint_key,
        conversions.person_key,
        conversions.identifier_type,
        conversions.identifier_value,
        ranked_records.platform_id,
        cast(null as string) as content_id,
        ranked_records.conversion_key,
        ranked_records.channel_id,
        'evidence' as touch_kind,
        ranked_records.evidence_type,
        ranked_records.campaign,
        conversions.converted_at as touched_at
    from ranked_records
    inner join conversions
        on ranked_records.conversion_key = conversions.conversion_key
    where ranked_records.record_rank = 1

),

final as (

    select * from touches_of_people

    union all

    select * from touches_on_records

)

select * from final
