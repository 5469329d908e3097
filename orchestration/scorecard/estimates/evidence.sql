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
    conversion_count as value
from linked

union all

select 'evidence_as_influence', 'all', conversion_count from linked

union all

select 'any_sign_as_influence', 'all', conversion_count from any_sign

union all

select 'unlinked_as_untouched', 'all', unlinked_count from states

union all

select 'entangled_as_influence', 'all', entangled_count from states
