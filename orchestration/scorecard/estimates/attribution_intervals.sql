-- Credit with the interval that is published beside it, of a rule, a chain and a game.
select
    'credit_interval' as estimate_id,
    concat(totals.attribution_model_id, ' / ', totals.channel_id) as scope,
    totals.credit_count as value,
    totals.credit_count_low as lower,
    totals.credit_count_high as upper
from marts.channel_attribution_total as totals
inner join own_channels
    on totals.channel_id = own_channels.channel_id
where
    totals.conversion_kind = 'order'
    and totals.interval_status = 'ok'
    and totals.attribution_model_id in ('last_touch_30_days', 'markov_order_1', 'shapley_rate')
