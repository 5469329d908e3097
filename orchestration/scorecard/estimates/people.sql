with purchases as (

    select
        truth_orders.person_position,
        conversions.person_key
    from marts.fct_conversions as conversions
    inner join truth_orders
        on
            conversions.platform_id = truth_orders.platform_id
            and conversions.conversion_id = truth_orders.native_conversion_id

),

-- Pairs of purchases, by who made them in truth and who did by what the exports show.
true_pairs as (

    select sum(purchase_count * (purchase_count - 1) / 2) as pair_count
    from (select count(*) as purchase_count from purchases group by person_position)

),

found_pairs as (

    select sum(purchase_count * (purchase_count - 1) / 2) as pair_count
    from (
        select count(*) as purchase_count
        from purchases
        where person_key is not null
        group by person_key
    )

),

right_pairs as (

    select sum(purchase_count * (purchase_count - 1) / 2) as pair_count
    from (
        select count(*) as purchase_count
        from purchases
        where person_key is not null
        group by person_key, person_position
    )

)

select
    'buyers' as estimate_id,
    'all' as scope,
    count(distinct person_key) as value
from purchases

union all

select 'pairs_found', 'all', right_pairs.pair_count / nullif(true_pairs.pair_count, 0)
from right_pairs
cross join true_pairs

union all

select 'pairs_right', 'all', right_pairs.pair_count / nullif(found_pairs.pair_count, 0)
from right_pairs
cross join found_pairs
