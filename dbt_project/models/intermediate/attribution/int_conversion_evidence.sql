with conversions as (

    select * from {{ ref('int_conversions') }}

),

conversion_records as (

    select * from {{ ref('int_conversion_records') }}

),

paths as (

    select * from {{ ref('int_conversion_paths') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}

),

spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

traffic_channels as (

    select * from {{ ref('int_traffic_classified') }}

),

-- A direct visit names no channel, so it is a touch but no evidence.
touches_in_path as (

    select
        paths.conversion_key,
        case when touchpoints.touch_kind = 'click' then 'click' else 'act' end as evidence_source,
        touchpoints.platform_id,
        touchpoints.touchpoint_key as evidence_id,
        coalesce(touchpoints.evidence_type, touchpoints.touch_kind) as evidence_type,
        case
            when touchpoints.evidence_type = 'click_id' then 'T2'
            when touchpoints.touch_kind = 'click' then 'T3'
            else 'T6'
        end as evidence_tier,
        case when touchpoints.touch_kind = 'click' then 'path' else 'identity' end as evidence_role,
        touchpoints.channel_id,
        touchpoints.campaign,
        touchpoints.touched_at as evidence_at
    from paths
    inner join touchpoints
        on paths.touchpoint_key = touchpoints.touchpoint_key
    where touchpoints.touch_kind <> 'evidence' and touchpoints.channel_id <> '(direct)'

),

-- The link that a sign-up itself made was not open before it.
open_links as (

    select
        conversions.conversion_key,
        spells.platform_id,
        spells.spell_key,
        coalesce(spells.started_at, cast(spells.first_standing_date as timestamp)) as evidence_at
    from conversions
    inner join spells
        on conversions.person_key = spells.person_key
    where
        (
            spells.started_at < conversions.converted_at
            or (
                spells.started_at is null
                and spells.first_standing_date < conversions.converted_date
            )
        )
        and (spells.is_open or spells.ended_at >= conversions.converted_at)
        and not (
            conversions.conversion_kind = 'sign_up'
            and conversions.platform_id = spells.platform_id
        )

),

evidence as (

    select
        conversion_key,
        'record' as evidence_source,
        platform_id,
        evidence_key as evidence_id,
        evidence_type,
        evidence_tier,
        evidence_role,
        channel_id,
        campaign,
        evidence_at
    from conversion_records

    union all

    select
        conversion_key,
        evidence_source,
        platform_id,
        evidence_id,
        evidence_type,
        evidence_tier,
        evidence_role,
        channel_id,
        campaign,
        evidence_at
    from touches_in_path

    union all

    select
        open_links.conversion_key,
        'link' as evidence_source,
        open_links.platform_id,
        open_links.spell_key as evidence_id,
        'open_link' as evidence_type,
        'T6' as evidence_tier,
        'identity' as evidence_role,
        traffic_channels.channel_id,
        cast(null as string) as campaign,
        open_links.evidence_at
    from open_links
    left join traffic_channels
        on
            {{ traffic_key({'platform': 'open_links.platform_id'}) }}
            = traffic_channels.traffic_key

),

final as (

    select
        {{ surrogate_key(['conversion_key', 'evidence_source', 'evidence_id']) }} as evidence_key,
        conversion_key,
        evidence_id,
        platform_id,
        channel_id,
        evidence_source,
        evidence_type,
        evidence_tier,
        evidence_role,
        campaign,
        evidence_at
    from evidence

)

select * from final
