-- Credit of each accounting rule, net of full refunds, read as if it were what the channel caused.
with credits as (

    select
        attribution_model_id,
        channel_id,
        sum(credit_count) as credit_count
    from marts.fct_attribution_credits
    where conversion_kind in ('order', 'payment')
    group by attribution_model_id, channel_id

),

models as (

    select distinct attribution_model_id from credits

),

own_credits as (

    select
        models.attribution_model_id,
        own_channels.channel_id,
        coalesce(credits.credit_count, 0) as credit_count
    from models
    cross join own_channels
    left join credits
        on
            models.attribution_model_id = credits.attribution_model_id
            and own_channels.channel_id = credits.channel_id

)

select
    concat('credit_', attribution_model_id) as estimate_id,
    coalesce(channel_id, 'all') as scope,
    sum(credit_count) as value
from own_credits
group by grouping sets ((attribution_model_id, channel_id), (attribution_model_id))
