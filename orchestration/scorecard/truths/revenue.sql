select
    'gross_revenue' as estimand,
    currency_code as scope,
    gross_amount as truth
from truth_revenue

union all

select 'reversed_revenue', currency_code, reversed_amount from truth_revenue

union all

select 'net_revenue', currency_code, net_amount from truth_revenue
