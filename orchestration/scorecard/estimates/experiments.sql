-- The switchback as published, by its own interval, and its verdict: 1 where it finds an effect.
with switchback as (

    select *
    from marts.incrementality
    where estimator = 'switchback' and status = 'ok'

)

select
    'experiment_caused' as estimate_id,
    'all' as scope,
    caused_count as value,
    caused_count_lower as lower,
    caused_count_upper as upper
from switchback

union all

select 'experiment_verdict', 'all', cast(p_value <= 0.05 as integer), null, null
from switchback
