-- What the audience ladder and the cohorts say of everything that the exports tell.
select
    'actors_seen' as estimate_id,
    platform_id as scope,
    figure as value,
    cast(null as double) as lower,
    cast(null as double) as upper
from marts.audience_ladder
where period = 'all' and step = 'actors_seen' and platform_id <> 'all' and figure is not null

union all

select 'actors_together', 'all', figure, lower_bound, upper_bound
from marts.audience_ladder
where period = 'all' and step = 'actors_seen' and platform_id = 'all'

union all

-- As if the unseen were everyone who was reached.
select 'actors_as_audience', 'all', lower_bound, null, null
from marts.audience_ladder
where period = 'all' and step = 'actors_estimated' and platform_id = 'all'

union all

select 'followers_in_ladder', ladder.platform_id, ladder.figure, null, null
from marts.audience_ladder as ladder
inner join marts.dim_platforms
    on ladder.platform_id = dim_platforms.platform_id
where
    ladder.period = 'all'
    and ladder.step = 'entangled_open'
    and dim_platforms.platform_kind = 'social'

union all

select 'withdrawals_per_week', cohorts.platform_id, cohorts.figure, cohorts.lower_bound, cohorts.upper_bound
from marts.entanglement_cohorts as cohorts
inner join marts.dim_platforms
    on cohorts.platform_id = dim_platforms.platform_id
where
    cohorts.cohort = 'all'
    and cohorts.measure = 'withdrawals_per_week'
    and dim_platforms.platform_kind = 'social'
