with activities as (

    select * from {{ ref('int_activities') }}

),

bots as (

    select * from {{ ref('int_bots') }}

),

acts_of_people as (

    select
        activities.person_key,
        activities.platform_id,
        activities.content_key,
        activities.word,
        {{ month_of('activities.activity_date') }} as activity_month
    from activities
    left join bots on activities.person_key = bots.person_key
    where
        activities.is_incoming
        and activities.known_as = 'person'
        and activities.count_basis = 'event'
        and activities.person_key is not null
        and bots.person_key is null

),

acts_by_period as (

    select
        person_key,
        platform_id,
        content_key,
        word,
        activity_month as period
    from acts_of_people

    union all

    select
        person_key,
        platform_id,
        content_key,
        word,
        'all' as period
    from acts_of_people

),

-- A message or a mention out of the blue answers no post: it makes nobody an actor on posts.
final as (

    select
        {{ surrogate_key(['period', 'platform_id', 'person_key']) }} as actor_period_key,
        person_key,
        platform_id,
        period,
        count(distinct content_key) as post_count,
        count(content_key) as act_count,
        count(case when word = 'engagement' then content_key end) as engagement_count,
        count(*) - count(content_key) as other_act_count
    from acts_by_period
    group by period, platform_id, person_key

)

select * from final
