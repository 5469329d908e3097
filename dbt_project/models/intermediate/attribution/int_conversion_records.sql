with staged_evidence as (
    {{ union_staged('conversion_evidence', [
        'platform_id',
        'conversion_id',
        'evidence_id',
        'evidence_type',
        'utm_source',
        'utm_medium',
        'utm_campaign',
        'referrer_host',
        'evidence_text',
        'evidence_at',
    ]) }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

aliases as (

    select * from {{ ref('int_conversion_aliases') }}

),

traffic_channels as (

    select * from {{ ref('int_traffic_classified') }}

),

coupons as (

    select * from {{ ref('coupons') }}

),

survey_answers as (

    select * from {{ ref('survey_answers') }}

),

evidence_with_key as (

    select
        {{ surrogate_key(["'evidence'", 'platform_id', 'conversion_id', 'evidence_id']) }}
            as evidence_key,
        {{ traffic_key({
            'click_id_name': "case when evidence_type = 'click_id' then evidence_text end",
            'utm_source': 'utm_source',
            'utm_medium': 'utm_medium',
            'utm_campaign': 'utm_campaign',
            'referrer_host': 'referrer_host',
            'coupon': "case when evidence_type = 'coupon' then evidence_text end",
            'referral': "case when evidence_type = 'referral' then evidence_text end",
        }) }} as traffic_key,
        {{ surrogate_key(['platform_id', 'conversion_id']) }} as recorded_conversion_key,
        platform_id,
        evidence_id,
        evidence_type,
        utm_campaign as campaign,
        lower(trim(evidence_text)) as evidence_text,
        {{ reporting_date('evidence_at') }} as evidence_date,
        evidence_at
    from staged_evidence

),

coupon_channels as (

    select
        evidence_with_key.evidence_key,
        coupons.channel_id,
        row_number() over (
            partition by evidence_with_key.evidence_key
            order by coupons.valid_from desc nulls last, coupons.channel_id asc nulls last
        ) as match_rank
    from evidence_with_key
    inner join coupons
        on
            evidence_with_key.evidence_type = 'coupon'
            and evidence_with_key.evidence_text = lower(trim(coupons.coupon_code))
    where
        (coupons.valid_from is null or evidence_with_key.evidence_date >= coupons.valid_from)
        and (coupons.valid_to is null or evidence_with_key.evidence_date <= coupons.valid_to)

),

-- The longest pattern is the most specific one.
answer_channels as (

    select
        evidence_with_key.evidence_key,
        survey_answers.channel_id,
        row_number() over (
            partition by evidence_with_key.evidence_key
            order by
                length(survey_answers.pattern) desc nulls last,
                survey_answers.pattern asc nulls last
        ) as match_rank
    from evidence_with_key
    inner join survey_answers
        on
            evidence_with_key.evidence_type = 'self_report'
            and evidence_with_key.evidence_text like lower(survey_answers.pattern)

),

final as (

    select
        evidence_with_key.evidence_key,
        conversions.conversion_key,
        evidence_with_key.platform_id,
        evidence_with_key.evidence_id,
        evidence_with_key.evidence_type,
        case evidence_with_key.evidence_type
            when 'click_id' then 'T2'
            when 'utm' then 'T3'
            when 'referrer' then 'T3'
            when 'coupon' then 'T4'
            when 'referral' then 'T5'
            when 'self_report' then 'T7'
        end as evidence_tier,
        case
            when evidence_with_key.evidence_type in ('referral', 'self_report') then 'origin'
            else 'path'
        end as evidence_role,
        coalesce(
            coupon_channels.channel_id,
            answer_channels.channel_id,
            traffic_channels.channel_id
        ) as channel_id,
        evidence_with_key.campaign,
        evidence_with_key.evidence_at
    from evidence_with_key
    left join aliases
        on evidence_with_key.recorded_conversion_key = aliases.alias_conversion_key
    inner join conversions
        on
            coalesce(aliases.conversion_key, evidence_with_key.recorded_conversion_key)
            = conversions.conversion_key
    left join coupon_channels
        on
            evidence_with_key.evidence_key = coupon_channels.evidence_key
            and coupon_channels.match_rank = 1
    left join answer_channels
        on
            evidence_with_key.evidence_key = answer_channels.evidence_key
            and answer_channels.match_rank = 1
    left join traffic_channels
        on evidence_with_key.traffic_key = traffic_channels.traffic_key

)

select * from final
