with orders as (

    select
        platform_id,
        person_position,
        is_touched,
        is_caused
    from truth_orders
    where not is_fully_reversed

)

select
    'net_conversions' as estimand,
    coalesce(platform_id, 'all') as scope,
    count(*) as truth
from orders
group by grouping sets ((platform_id), ())

union all

select 'touched', 'all', count(*) filter (where is_touched) from orders

union all

select 'untouched', 'all', count(*) filter (where not is_touched) from orders

union all

select 'influenced', 'all', count(*) filter (where is_caused) from orders

union all

select
    'influenced',
    channels.channel_id,
    coalesce(sum(shares.cause_share), 0)
from truth_channels as channels
left join (
    select
        order_channels.channel_id,
        order_channels.cause_share
    from truth_order_channels as order_channels
    inner join truth_orders as orders
        on order_channels.order_position = orders.order_position
    where not orders.is_fully_reversed
) as shares
    on channels.channel_id = shares.channel_id
where channels.channel_id not in ('organic_search', '(direct)', 'word_of_mouth')
group by channels.channel_id

union all

select 'sign_ups', platform_id, count(*) from truth_sign_ups group by platform_id

union all

select 'answers_leak', 'all', 1 - cast(json_extract(config, '$.survey_specificity') as double)
from truth_world
