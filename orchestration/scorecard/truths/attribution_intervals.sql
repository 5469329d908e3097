-- What a rule credits in the mean of all worlds of a regime is told by no world: its own credit stands in.
select
    'expected_credit' as estimand,
    concat(totals.attribution_model_id, ' / ', totals.channel_id) as scope,
    totals.credit_count as truth
from marts.channel_attribution_total as totals
inner join own_channels
    on totals.channel_id = own_channels.channel_id
where
    totals.conversion_kind = 'order'
    and totals.attribution_model_id in ('last_touch_30_days', 'markov_order_1', 'shapley_rate')
