select
    'actors' as estimand,
    platform_id as scope,
    people_acted as truth
from truth_platforms

union all

select 'actors', 'all', people_acted from truth_totals

union all

select 'audience', 'all', people_reached from truth_totals

union all

-- The world's own rate, as ends for each week of a link: unfollows, and accounts deleted on some day.
select
    'withdrawals_per_week',
    truth_platforms.platform_id,
    -ln(1 - cast(json_extract(truth_world.config, '$.unfollow') as double))
    - ln(1 - cast(json_extract(truth_world.config, '$.deleted_share') as double))
    / (cast(json_extract(truth_world.config, '$.days') as double) / 7)
from truth_platforms
cross join truth_world
