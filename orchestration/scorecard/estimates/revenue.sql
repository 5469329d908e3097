with revenue as (

    select
        currency_code,
        sum(gross_amount) as gross_amount,
        sum(reversed_amount) as reversed_amount,
        sum(net_amount) as net_amount
    from marts.fct_conversions
    where conversion_kind in ('order', 'payment')
    group by currency_code

)

select
    'gross_revenue' as estimate_id,
    currency_code as scope,
    gross_amount as value
from revenue

union all

select 'reversed_revenue', currency_code, reversed_amount from revenue

union all

select 'net_revenue', currency_code, net_amount from revenue
