-- What was caused within the pairs of blocks, and whether anything was at all.
with days_of_pairs as (

    select posting_date
    from truth_posting
    where is_randomised and pair >= 0

),

orders as (

    select
        orders.is_caused,
        days_of_pairs.posting_date is not null as is_in_pairs
    from truth_orders as orders
    left join days_of_pairs
        on cast(orders.ordered_at as date) = cast(days_of_pairs.posting_date as date)
    where not orders.is_fully_reversed

)

select
    'influenced_in_experiment' as estimand,
    'all' as scope,
    count(*) filter (where is_caused and is_in_pairs) as truth
from orders

union all

select 'is_influenced', 'all', cast(coalesce(bool_or(is_caused), false) as integer) from orders
