with actor_counts as (

    select * from {{ ref('int_actor_counts') }}

),

audience_counts as (

    select * from {{ ref('int_audience_counts') }}

),

final as (

    select
        {{ surrogate_key([
            'actor_counts.period', 'actor_counts.platform_id', 'actor_counts.times',
        ]) }} as actor_incidence_key,
        actor_counts.platform_id,
        actor_counts.period,
        actor_counts.times as acted_on_post_count,
        actor_counts.actor_count,
        audience_counts.post_count
    from actor_counts
    inner join audience_counts
        on
            actor_counts.platform_id = audience_counts.platform_id
            and actor_counts.period = audience_counts.period
    where actor_counts.counted = 'posts'

)

select * from final
