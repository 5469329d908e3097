with periods as (

    select * from {{ ref('int_audience_periods') }}

),

platforms as (

    select * from {{ ref('platforms') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

contents as (

    select * from {{ ref('int_contents') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

entanglement_days as (

    select * from {{ ref('int_entanglement_daily') }}

),

spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}

),

actor_periods as (

    select * from {{ ref('int_actor_periods') }}

),

bots as (

    select * from {{ ref('int_bots') }}

),

channel_rules as (

    select * from {{ ref('channel_rules') }}

),

reach_metrics as (

    select * from {{ ref('reach_metrics') }}

),

platforms_with_data as (

    select platform_id from activities

    union distinct

    select platform_id from contents

    union distinct

    select platform_id from metrics

    union distinct

    select platform_id from entanglement_days

),

audiences as (

    select
        platforms.platform_id,
        platforms.platform_kind,
        periods.period,
        periods.period_start_date,
        periods.period_end_date
    from platforms
    inner join platforms_with_data on platforms.platform_id = platforms_with_data.platform_id
    cross join periods
    where platforms.platform_kind in ('social', 'newsletter')

),

acts_on_posts as (

    select
        platform_id,
        content_key,
        activity_date
    from activities
    where
        is_incoming
        and known_as = 'person'
        and count_basis = 'event'
        and content_key is not null

),

-- Outside these days nobody who acts is named.
named_days as (

    select
        platform_id,
        min(activity_date) as named_from_date,
        max(activity_date) as named_to_date
    from acts_on_posts
    group by platform_id

),

-- The sampling units: posts that could have shown their actors, of the period or acted on in it.
posts_by_period as (

    select
        contents.platform_id,
        contents.content_key,
        {{ month_of('contents.published_date') }} as period
    from contents
    inner join named_days
        on
            contents.platform_id = named_days.platform_id
            and contents.published_date
            between named_days.named_from_date and named_days.named_to_date

    union distinct

    select
        platform_id,
        content_key,
        {{ month_of('activity_date') }} as period
    from acts_on_posts

),

post_counts as (

    select
        platform_id,
        period,
        count(*) as post_count
    from posts_by_period
    group by platform_id, period

    union all

    select
        platform_id,
        'all' as period,
        count(distinct content_key) as post_count
    from posts_by_period
    group by platform_id

),

actors as (

    select
        platform_id,
        period,
        sum(case when post_count > 0 then 1 else 0 end) as actor_count,
        sum(case when engagement_count > 0 then 1 else 0 end) as engaged_count,
        sum(case when post_count = 0 then 1 else 0 end) as other_actor_count
    from actor_periods
    group by platform_id, period

),

unnamed_acts as (

    select
        audiences.platform_id,
        audiences.period,
        sum(activities.activity_count) as unnamed_act_count
    from audiences
    inner join activities
        on
            audiences.platform_id = activities.platform_id
            and activities.activity_date
            between audiences.period_start_date and audiences.period_end_date
    where
        activities.is_incoming
        and activities.known_as = 'total'
        and activities.count_basis = 'day'
    group by audiences.platform_id, audiences.period

),

spells_of_people as (

    select
        spells.person_key,
        spells.platform_id,
        spells.identifier_type,
        spells.first_standing_date,
        spells.end_known_as,
        spells.ended_date,
        spells.is_open
    from spells
    left join bots on spells.person_key = bots.person_key
    where
        spells.person_key is not null
        and spells.first_standing_date is not null
        and bots.person_key is null

),

known_links as (

    select
        platform_id,
        min(first_standing_date) as links_from_date,
        max(case when is_open then first_standing_date else ended_date end) as links_to_date,
        max(case when is_open then 0 else 1 end) as ends_are_known,
        max(case when end_known_as = 'reported' then 1 else 0 end) as ends_are_dated
    from spells_of_people
    group by platform_id

),

listed_to as (

    select
        platform_id,
        max(entanglement_date) as listed_to_date
    from entanglement_days
    where known_as = 'listed'
    group by platform_id

),

last_lists as (

    select
        audiences.platform_id,
        audiences.period,
        max(entanglement_days.entanglement_date) as last_listed_date
    from audiences
    inner join entanglement_days
        on
            audiences.platform_id = entanglement_days.platform_id
            and audiences.period_end_date >= entanglement_days.entanglement_date
    where entanglement_days.known_as = 'listed'
    group by audiences.platform_id, audiences.period

),

standing as (

    select
        audiences.platform_id,
        audiences.period,
        count(distinct case
            when
                spells_of_people.is_open
                or spells_of_people.ended_date > audiences.period_end_date
                then spells_of_people.person_key
        end) as entangled_count
    from audiences
    inner join spells_of_people
        on
            audiences.platform_id = spells_of_people.platform_id
            and audiences.period_end_date >= spells_of_people.first_standing_date
    group by audiences.platform_id, audiences.period

),

linked_people as (

    select distinct
        audiences.platform_id,
        audiences.period,
        spells_of_people.person_key
    from audiences
    inner join spells_of_people
        on
            audiences.platform_id = spells_of_people.platform_id
            and audiences.period_end_date >= spells_of_people.first_standing_date
    where
        spells_of_people.is_open
        or spells_of_people.ended_date >= audiences.period_start_date

),

-- Who was linked on some day of the period, and what they did in it: the parts of a known whole.
participants as (

    select
        linked_people.platform_id,
        linked_people.period,
        count(*) as linked_count,
        sum(case when actor_periods.engagement_count > 0 then 1 else 0 end) as linked_engaged_count,
        sum(
            case
                when actor_periods.post_count > 0 and actor_periods.engagement_count = 0
                    then 1
                else 0
            end
        ) as linked_interacting_count
    from linked_people
    left join actor_periods
        on
            linked_people.platform_id = actor_periods.platform_id
            and linked_people.period = actor_periods.period
            and linked_people.person_key = actor_periods.person_key
    group by linked_people.platform_id, linked_people.period

),

purchases as (

    select
        person_key,
        identifier_type,
        converted_date,
        converted_at
    from conversions
    where
        conversion_kind in ('order', 'payment')
        and not is_fully_reversed
        and person_key is not null

),

kinds_on_purchases as (

    select distinct identifier_type
    from purchases

),

-- Where no identifier of a platform is of a kind that stands on purchases, nobody can be matched.
matchable_platforms as (

    select distinct spells_of_people.platform_id
    from spells_of_people
    inner join kinds_on_purchases
        on spells_of_people.identifier_type = kinds_on_purchases.identifier_type

),

matched_purchases as (

    select distinct
        spells_of_people.platform_id,
        purchases.person_key,
        purchases.converted_date,
        purchases.converted_at
    from purchases
    inner join spells_of_people
        on
            purchases.person_key = spells_of_people.person_key
            and purchases.converted_date >= spells_of_people.first_standing_date
            and (
                spells_of_people.is_open
                or purchases.converted_date <= spells_of_people.ended_date
            )

),

-- A channel is the brand's own where a platform's own touches belong to it.
own_channels as (

    select distinct channel_id
    from channel_rules
    where field = 'platform'

),

first_answers as (

    select
        touchpoints.person_key,
        min(touchpoints.touched_at) as first_answered_at
    from touchpoints
    inner join own_channels on touchpoints.channel_id = own_channels.channel_id
    where touchpoints.touch_kind <> 'entanglement' and touchpoints.person_key is not null
    group by touchpoints.person_key

),

matched_purchases_by_period as (

    select
        platform_id,
        person_key,
        {{ month_of('converted_date') }} as period,
        converted_at
    from matched_purchases

    union all

    select
        platform_id,
        person_key,
        'all' as period,
        converted_at
    from matched_purchases

),

buyers_by_period as (

    select
        platform_id,
        period,
        person_key,
        max(converted_at) as last_converted_at
    from matched_purchases_by_period
    group by platform_id, period, person_key

),

matched_buyers as (

    select
        buyers_by_period.platform_id,
        buyers_by_period.period,
        count(*) as matched_buyer_count,
        sum(
            case
                when
                    first_answers.first_answered_at is null
                    or first_answers.first_answered_at > buyers_by_period.last_converted_at
                    then 1
                else 0
            end
        ) as silent_buyer_count
    from buyers_by_period
    left join first_answers on buyers_by_period.person_key = first_answers.person_key
    group by buyers_by_period.platform_id, buyers_by_period.period

),

-- Unique people of two days overlap in a way nobody knows: at least the greater, at most the sum.
reach as (

    select
        audiences.platform_id,
        audiences.period,
        max(metrics.metric_value) as largest_day_reach,
        sum(cast(metrics.metric_value as decimal(38, 6))) as summed_day_reach,
        count(distinct metrics.metric_date) as reach_day_count
    from audiences
    inner join metrics
        on
            audiences.platform_id = metrics.platform_id
            and metrics.metric_date
            between audiences.period_start_date and audiences.period_end_date
    inner join reach_metrics
        on
            metrics.platform_id = reach_metrics.platform_id
            and metrics.metric_id = reach_metrics.metric_id
    where metrics.content_key is null and metrics.metric_basis = 'day'
    group by audiences.platform_id, audiences.period

),

final as (

    select
        {{ surrogate_key(['audiences.period', 'audiences.platform_id']) }} as audience_key,
        audiences.platform_id,
        audiences.platform_kind,
        audiences.period,
        coalesce(post_counts.post_count, 0) as post_count,
        cast(coalesce(actors.actor_count, 0) as bigint) as actor_count,
        cast(coalesce(actors.engaged_count, 0) as bigint) as engaged_count,
        cast(coalesce(actors.other_actor_count, 0) as bigint) as other_actor_count,
        cast(coalesce(unnamed_acts.unnamed_act_count, 0) as bigint) as unnamed_act_count,
        coalesce(standing.entangled_count, 0) as entangled_count,
        coalesce(participants.linked_count, 0) as linked_count,
        cast(coalesce(participants.linked_interacting_count, 0) as bigint)
            as linked_interacting_count,
        cast(coalesce(participants.linked_engaged_count, 0) as bigint) as linked_engaged_count,
        coalesce(matched_buyers.matched_buyer_count, 0) as matched_buyer_count,
        cast(coalesce(matched_buyers.silent_buyer_count, 0) as bigint) as silent_buyer_count,
        cast(round(reach.largest_day_reach) as bigint) as reach_lower_count,
        case
            when
                reach.reach_day_count
                = {{ days_between('audiences.period_start_date', 'audiences.period_end_date') }} + 1
                then cast(round(reach.summed_day_reach) as bigint)
        end as reach_upper_count,
        coalesce(known_links.ends_are_known, 0) = 1 as has_known_ends,
        coalesce(known_links.ends_are_dated, 0) = 1 as has_dated_ends,
        matchable_platforms.platform_id is not null as is_matchable,
        audiences.period_start_date,
        audiences.period_end_date,
        named_days.named_from_date,
        named_days.named_to_date,
        last_lists.last_listed_date,
        known_links.links_from_date,
        case
            when listed_to.listed_to_date > known_links.links_to_date then listed_to.listed_to_date
            else known_links.links_to_date
        end as links_to_date
    from audiences
    left join post_counts
        on
            audiences.platform_id = post_counts.platform_id
            and audiences.period = post_counts.period
    left join actors
        on audiences.platform_id = actors.platform_id and audiences.period = actors.period
    left join unnamed_acts
        on
            audiences.platform_id = unnamed_acts.platform_id
            and audiences.period = unnamed_acts.period
    left join standing
        on audiences.platform_id = standing.platform_id and audiences.period = standing.period
    left join last_lists
        on audiences.platform_id = last_lists.platform_id and audiences.period = last_lists.period
    left join participants
        on
            audiences.platform_id = participants.platform_id
            and audiences.period = participants.period
    left join matched_buyers
        on
            audiences.platform_id = matched_buyers.platform_id
            and audiences.period = matched_buyers.period
    left join reach
        on audiences.platform_id = reach.platform_id and audiences.period = reach.period
    left join named_days on audiences.platform_id = named_days.platform_id
    left join known_links on audiences.platform_id = known_links.platform_id
    left join listed_to on audiences.platform_id = listed_to.platform_id
    left join matchable_platforms on audiences.platform_id = matchable_platforms.platform_id

)

select * from final
