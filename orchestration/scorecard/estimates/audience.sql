with platforms as (

    select
        platform_id,
        sum(impressions_count) as impressions_count,
        sum(youtube_views_count) as youtube_views_count,
        sum(interaction_count) as interaction_count,
        sum(engagement_count) as engagement_count,
        sum(entangled_net_count) as entangled_net_count
    from marts.funnel_daily
    group by platform_id

),

social_platforms as (

    select platforms.*
    from platforms
    inner join marts.dim_platforms
        on platforms.platform_id = dim_platforms.platform_id
    where dim_platforms.platform_kind = 'social'

),

open_spells as (

    select
        spells.platform_id,
        dim_platforms.platform_kind,
        count(*) as spell_count
    from marts.fct_entanglement_spells as spells
    inner join marts.dim_platforms
        on spells.platform_id = dim_platforms.platform_id
    where spells.is_open
    group by spells.platform_id, dim_platforms.platform_kind

)

select
    'impressions' as estimate_id,
    platform_id as scope,
    -- A view is YouTube's word for what reached someone; no platform reports both.
    coalesce(impressions_count, youtube_views_count) as value
from social_platforms

union all

select 'acts', platform_id, coalesce(interaction_count, 0) + coalesce(engagement_count, 0)
from social_platforms
where interaction_count is not null or engagement_count is not null

union all

select 'engagements', 'all', sum(engagement_count) from social_platforms

union all

select 'followers_by_change', platform_id, entangled_net_count
from social_platforms

union all

select 'followers_standing', platform_id, spell_count
from open_spells
where platform_kind = 'social'

union all

select 'subscribers_standing', platform_id, spell_count
from open_spells
where platform_kind = 'newsletter'
