with conversion_evidence as (

    select * from {{ ref('int_conversion_evidence') }}

),

final as (

    select
        evidence_key,
        conversion_key,
        evidence_id,
        platform_id,
        coalesce(channel_id, '(unknown)') as channel_id,
        evidence_source,
        evidence_type,
        evidence_tier,
        evidence_role,
        campaign,
        evidence_at
    from conversion_evidence

)

select * from final
