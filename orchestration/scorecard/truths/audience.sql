select
    'impressions' as estimand,
    platform_id as scope,
    sum(impressions) as truth
from truth_platform_days
group by platform_id

union all

select 'acts', platform_id, acts + bot_acts from truth_platforms

union all

select 'engagements', 'all', sum(replies) from truth_people

union all

-- On the last day of the world.
select 'followers', platform_id, max_by(followers_standing, seen_date)
from truth_platform_days
group by platform_id

union all

select 'subscribers', platform_id, count(*) filter (where ended_at is null)
from truth_sign_ups
group by platform_id

union all

select 'buyers', 'all', people_bought from truth_totals

union all

select 'people_right', 'all', 1
