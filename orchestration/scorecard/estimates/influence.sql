-- Bounds as published. A level without an interval has no row: what is withheld claims nothing.
select
    concat('touched_', level, '_', method) as estimate_id,
    'all' as scope,
    cast(null as double) as value,
    ci_lower as lower,
    ci_upper as upper
from marts.influence_bounds
where period = 'all' and scope = 'all' and estimand = 'touched' and status in ('ok', 'sensitivity')

union all

select
    concat('influenced_', level),
    'all',
    point,
    ci_lower,
    ci_upper
from marts.influence_bounds
where
    period = 'all'
    and scope = 'all'
    and estimand = 'influenced'
    and level in ('A1', 'A2', 'A4')
    and status = 'ok'

union all

select 'headline_touched', 'all', null, touched_lower, touched_upper
from marts.influence_headline
where period = 'all' and touched_upper is not null

union all

select 'headline_influenced', 'all', null, influenced_lower, influenced_upper
from marts.influence_headline
where period = 'all' and influenced_upper is not null
