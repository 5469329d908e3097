-- Evidence taken for something else: for touch, for influence, or its absence for the absence of touch.
with linked as (

    select count(distinct conversion_key) as conversion_count
    from own_evidence
    where evidence_type in ('coupon', 'click_id', 'utm', 'referrer', 'referral')

),

any_sign as (

    select count(distinct conversion_key) as conversion_count
    from own_evidence

),

states as (

    select
        count(*) as conversion_count,
        count(*) filter (where link_state in ('unknown', 'direct', 'no_touch')) as unlinked_count,
        count(*) filter (where is_entangled_at_conversion) as entangled_count
    from net_conversions

)

select
    'evidence_as_touch' as estimate_id,
    'all' as scope,
    conversion_count as value,
    cast(null as double) as lower,
    cast(null as double) as upper
from linked

union all

select 'evidence_as_influence', 'all', conversion_count, null, null from linked

union all

select 'any_sign_as_influence', 'all', conversion_count, null, null from any_sign

union all

select 'unlinked_as_untouched', 'all', unlinked_count, null, null from states

union all

select 'entangled_as_influence', 'all', entangled_count, null, null from states

union all

select 'answers_leak', 'all', leak_rate, cast(null as double), leak_rate_upper
from marts.evidence_leak_rates
where evidence_tier = 'T7' and leak_method = 'off_period' and leak_status = 'at_most'
