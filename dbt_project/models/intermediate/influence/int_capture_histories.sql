with conversions as (

    select
        conversion_key,
        platform_id,
        converted_date
    from {{ ref('int_conversions') }}
    where conversion_kind in ('order', 'payment') and not is_fully_reversed

),

conversion_evidence as (

    select * from {{ ref('int_conversion_evidence') }}

),

own_channels as (

    select channel_id from {{ ref('own_channels') }}
    where reach = 'own'

),

channels_passing_on as (

    select channel_id from {{ ref('own_channels') }}
    where reach = 'passed_on'

),

-- A lasting link or its start proves no touch: who follows need not have seen anything lately.
evidence_by_channel as (

    select
        conversion_evidence.conversion_key,
        conversion_evidence.channel_id,
        max(
            case
                when conversion_evidence.evidence_type in ('click_id', 'utm', 'referrer') then 1
                else 0
            end
        ) as has_click,
        max(case when conversion_evidence.evidence_type = 'coupon' then 1 else 0 end) as has_code,
        max(
            case
                when
                    conversion_evidence.evidence_type in ('referral', 'interaction', 'engagement')
                    then 1
                else 0
            end
        ) as has_invitation_or_act,
        max(case when conversion_evidence.evidence_type = 'self_report' then 1 else 0 end)
            as has_naming_answer
    from conversion_evidence
    inner join own_channels
        on conversion_evidence.channel_id = own_channels.channel_id
    where conversion_evidence.evidence_type not in ('open_link', 'entanglement')
    group by conversion_evidence.conversion_key, conversion_evidence.channel_id

),

evidence_of_any_channel as (

    select
        conversion_key,
        max(has_click) as has_click,
        max(has_code) as has_code,
        max(has_invitation_or_act) as has_invitation_or_act,
        max(has_naming_answer) as has_naming_answer
    from evidence_by_channel
    group by conversion_key

),

answered_conversions as (

    select
        conversion_evidence.conversion_key,
        max(case when channels_passing_on.channel_id is null then 0 else 1 end)
            as has_passed_on_answer
    from conversion_evidence
    left join channels_passing_on
        on conversion_evidence.channel_id = channels_passing_on.channel_id
    where conversion_evidence.evidence_type = 'self_report'
    group by conversion_evidence.conversion_key

),

-- Not every platform's records can show a code.
platforms_with_codes as (

    select distinct conversions.platform_id
    from conversion_evidence
    inner join conversions
        on conversion_evidence.conversion_key = conversions.conversion_key
    where conversion_evidence.evidence_type = 'coupon'

),

conversions_with_sources as (

    select
        conversions.conversion_key,
        conversions.converted_date,
        platforms_with_codes.platform_id is not null as can_carry_code,
        answered_conversions.conversion_key is not null as has_answer,
        coalesce(answered_conversions.has_passed_on_answer, 0) = 1 as has_passed_on_answer
    from conversions
    left join platforms_with_codes
        on conversions.platform_id = platforms_with_codes.platform_id
    left join answered_conversions
        on conversions.conversion_key = answered_conversions.conversion_key

),

histories as (

    select
        conversions_with_sources.converted_date,
        'all' as scope,
        conversions_with_sources.can_carry_code,
        conversions_with_sources.has_answer,
        coalesce(evidence_of_any_channel.has_click, 0) = 1 as has_click,
        coalesce(evidence_of_any_channel.has_code, 0) = 1 as has_code,
        coalesce(evidence_of_any_channel.has_invitation_or_act, 0) = 1 as has_invitation_or_act,
        coalesce(evidence_of_any_channel.has_naming_answer, 0) = 1 as has_naming_answer,
        conversions_with_sources.has_passed_on_answer
    from conversions_with_sources
    left join evidence_of_any_channel
        on conversions_with_sources.conversion_key = evidence_of_any_channel.conversion_key

    union all

    select
        conversions_with_sources.converted_date,
        evidence_by_channel.channel_id as scope,
        conversions_with_sources.can_carry_code,
        conversions_with_sources.has_answer,
        evidence_by_channel.has_click = 1 as has_click,
        evidence_by_channel.has_code = 1 as has_code,
        evidence_by_channel.has_invitation_or_act = 1 as has_invitation_or_act,
        evidence_by_channel.has_naming_answer = 1 as has_naming_answer,
        conversions_with_sources.has_passed_on_answer
    from conversions_with_sources
    inner join evidence_by_channel
        on conversions_with_sources.conversion_key = evidence_by_channel.conversion_key

),

final as (

    select
        converted_date,
        scope,
        can_carry_code,
        has_answer,
        has_click,
        has_code,
        has_invitation_or_act,
        has_naming_answer,
        has_passed_on_answer,
        count(*) as conversion_count
    from histories
    group by
        converted_date,
        scope,
        can_carry_code,
        has_answer,
        has_click,
        has_code,
        has_invitation_or_act,
        has_naming_answer,
        has_passed_on_answer

)

select * from final
