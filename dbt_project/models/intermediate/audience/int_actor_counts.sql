with actor_periods as (

    select * from {{ ref('int_actor_periods') }}

),

actors as (

    select
        period,
        platform_id,
        'posts' as counted,
        post_count as times
    from actor_periods
    where post_count > 0

    union all

    select
        period,
        platform_id,
        'acts' as counted,
        act_count as times
    from actor_periods
    where act_count > 0

),

final as (

    select
        {{ surrogate_key(['period', 'platform_id', 'counted', 'times']) }} as actor_count_key,
        platform_id,
        period,
        counted,
        times,
        count(*) as actor_count
    from actors
    group by period, platform_id, counted, times

)

select * from final
