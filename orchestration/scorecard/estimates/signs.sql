-- One kind of sign at a time, by channel, read as if it were what the channel caused.
with counted as (

    select
        own_channels.channel_id,
        count(distinct evidence.conversion_key) filter (
            where evidence.evidence_type in ('click_id', 'utm', 'referrer')
        ) as clicked_count,
        count(distinct evidence.conversion_key) filter (
            where evidence.evidence_type = 'coupon'
        ) as coupon_count,
        count(distinct evidence.conversion_key) filter (
            where evidence.evidence_type = 'self_report'
        ) as named_count
    from own_channels
    left join own_evidence as evidence
        on own_channels.channel_id = evidence.channel_id
    group by own_channels.channel_id

),

answers as (

    select count(distinct net_conversions.conversion_key) as answer_count
    from net_conversions
    inner join marts.bridge_conversion_evidence as evidence
        on net_conversions.conversion_key = evidence.conversion_key
    where evidence.evidence_type = 'self_report'

),

-- Those who did not answer are taken to be like those who did.
answers_for_all as (

    select
        counted.channel_id,
        counted.named_count / nullif(answers.answer_count, 0) * all_conversions.conversion_count
            as named_count
    from counted
    cross join answers
    cross join (select count(*) as conversion_count from net_conversions) as all_conversions

),

acts as (

    select
        dim_channels.channel_id,
        sum(funnel_daily.interaction_count) as interaction_count
    from marts.funnel_daily
    inner join marts.dim_channels
        on funnel_daily.platform_id = dim_channels.platform_id
    group by dim_channels.channel_id

)

select
    'clicks_as_influence' as estimate_id,
    channel_id as scope,
    clicked_count as value
from counted

union all

select 'coupons_as_influence', channel_id, coupon_count from counted

union all

select 'answers_as_influence', channel_id, named_count from answers_for_all

union all

select 'answers_as_touch', 'all', sum(named_count) from answers_for_all

union all

select 'likes_as_influence', channel_id, interaction_count
from acts
where interaction_count is not null
