select
    'net_conversions' as estimate_id,
    coalesce(platform_id, 'all') as scope,
    count(*) as value
from net_conversions
group by grouping sets ((platform_id), ())

union all

select 'sign_ups', platform_id, count(*)
from marts.fct_conversions
where conversion_kind = 'sign_up'
group by platform_id
