with conversions as (

    select * from {{ ref('int_conversions') }}

),

link_states as (

    select * from {{ ref('int_conversion_link_states') }}

),

conversion_evidence as (

    select * from {{ ref('int_conversion_evidence') }}

),

paths as (

    select * from {{ ref('int_conversion_paths') }}

),

mapped_evidence as (

    select * from conversion_evidence
    where channel_id is not null and channel_id <> '(direct)'

),

ranked_path_evidence as (

    select
        conversion_key,
        evidence_tier,
        channel_id,
        row_number() over (
            partition by conversion_key
            order by
                evidence_tier asc nulls last,
                evidence_at desc nulls last,
                channel_id asc nulls last,
                evidence_key asc nulls last
        ) as evidence_rank
    from mapped_evidence
    where evidence_role = 'path'

),

ranked_origin_evidence as (

    select
        conversion_key,
        evidence_tier,
        channel_id,
        row_number() over (
            partition by conversion_key
            order by
                case evidence_tier when 'T5' then 1 when 'T8' then 2 else 3 end asc nulls last,
                evidence_at desc nulls last,
                channel_id asc nulls last,
                evidence_key asc nulls last
        ) as evidence_rank
    from mapped_evidence
    where evidence_role = 'origin'

),

-- Visits through several channels are a journey; the last of them and the order's own records
-- should agree.
path_evidence_by_recency as (

    select
        conversion_key,
        channel_id,
        evidence_source,
        row_number() over (
            partition by conversion_key, evidence_source
            order by evidence_at desc nulls last, evidence_key asc nulls last
        ) as recency_rank
    from mapped_evidence
    where evidence_role = 'path'

),

conflicts as (

    select conversion_key
    from path_evidence_by_recency
    where evidence_source = 'record' or recency_rank = 1
    group by conversion_key
    having count(distinct channel_id) > 1

),

entangled_conversions as (

    select distinct conversion_key
    from conversion_evidence
    where evidence_source = 'link'

),

-- Where no record names a channel, the path's last touch that is not direct does.
last_channels_of_paths as (

    select
        conversion_key,
        channel_id,
        row_number() over (
            partition by conversion_key
            order by
                case when channel_id = '(direct)' then 1 else 0 end asc nulls last,
                touched_at desc nulls last,
                touchpoint_key desc nulls last
        ) as channel_rank
    from paths

),

final as (

    select
        conversions.conversion_key,
        link_states.link_state,
        link_states.unknown_reason,
        ranked_path_evidence.evidence_tier as primary_path_tier,
        case
            when link_states.link_state = 'unknown' then '(unknown)'
            when link_states.link_state = 'no_touch' then '(no touch)'
            else coalesce(ranked_path_evidence.channel_id, last_channels_of_paths.channel_id)
        end as primary_channel_id,
        ranked_origin_evidence.evidence_tier as origin_tier,
        coalesce(ranked_origin_evidence.channel_id, '(unknown)') as origin_channel_id,
        link_states.touch_count,
        entangled_conversions.conversion_key is not null as is_entangled_at_conversion,
        conflicts.conversion_key is not null as has_conflict
    from conversions
    inner join link_states
        on conversions.conversion_key = link_states.conversion_key
    left join ranked_path_evidence
        on
            conversions.conversion_key = ranked_path_evidence.conversion_key
            and ranked_path_evidence.evidence_rank = 1
    left join ranked_origin_evidence
        on
            conversions.conversion_key = ranked_origin_evidence.conversion_key
            and ranked_origin_evidence.evidence_rank = 1
    left join last_channels_of_paths
        on
            conversions.conversion_key = last_channels_of_paths.conversion_key
            and last_channels_of_paths.channel_rank = 1
    left join conflicts
        on conversions.conversion_key = conflicts.conversion_key
    left join entangled_conversions
        on conversions.conversion_key = entangled_conversions.conversion_key

)

select * from final
