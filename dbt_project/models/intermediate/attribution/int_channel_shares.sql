{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}

),

link_states as (

    select * from {{ ref('int_conversion_link_states') }}

),

touches as (

    select * from {{ ref('int_conversion_touches') }}
    where {{ within('conversion', 'conversion_key') }}

),

path_configurations as (

    select * from {{ ref('path_configurations') }}

),

attribution_models as (

    select * from {{ ref('attribution_models') }}

),

touch_kind_weights as (

    select * from {{ ref('attribution_touch_weights') }}

),

-- What the rules ask of a path. A rule with anchors gives them 90 % in equal parts, where it finds
-- them, and 10 % to the touches that are none.
paths as (

    select
        path_configuration_id,
        conversion_key,
        min(age_days) as newest_age_days,
        max(case when channel_id <> '(direct)' then touch_position end)
            as last_non_direct_position,
        min(case when touch_kind = 'entanglement' then touch_position end)
            as first_entanglement_position,
        min(case when touch_kind = 'engagement' then touch_position end)
            as first_engagement_position
    from touches
    group by path_configuration_id, conversion_key

),

touches_with_anchors as (

    select
        touches.path_configuration_id,
        touches.conversion_key,
        touches.channel_id,
        touches.touch_kind,
        touches.touch_position,
        touches.path_length,
        paths.last_non_direct_position,
        paths.newest_age_days - touches.age_days as age_beyond_newest_days,
        case when touches.touch_position = 1 then 1 else 0 end
        + case when touches.touch_position = touches.path_length then 1 else 0 end
        + case when touches.touch_position = paths.first_entanglement_position then 1 else 0 end
            as w_anchor_count,
        case when touches.touch_position = paths.first_engagement_position then 1 else 0 end
            as engagement_anchor_count,
        case when paths.first_entanglement_position is null then 2 else 3 end
            as path_w_anchor_count,
        case when paths.first_engagement_position is null then 0 else 1 end
            as path_engagement_anchor_count,
        greatest(touches.path_length - 2, 0)
        - case
            when
                paths.first_entanglement_position > 1
                and paths.first_entanglement_position < touches.path_length
                then 1
            else 0
        end as w_other_count,
        case
            when
                paths.first_engagement_position > 1
                and paths.first_engagement_position < touches.path_length
                then 1
            else 0
        end as engagement_other_count
    from touches
    inner join paths
        on
            touches.path_configuration_id = paths.path_configuration_id
            and touches.conversion_key = paths.conversion_key

),

-- A touch's weight beside the others of its path. Ages count from the newest touch: the shares are
-- the same and a short half-life cannot make all of them zero.
weighted_touches as (

    select
        touches_with_anchors.conversion_key,
        attribution_models.model_id as attribution_model_id,
        attribution_models.rule as attribution_rule,
        touches_with_anchors.channel_id,
        case attribution_models.rule
            when 'first'
                then case when touches_with_anchors.touch_position = 1 then 1 else 0 end
            when 'last'
                then
                    case
                        when touches_with_anchors.touch_position = touches_with_anchors.path_length
                            then 1
                        else 0
                    end
            when 'last_non_direct'
                then
                    case
                        when
                            touches_with_anchors.touch_position = coalesce(
                                touches_with_anchors.last_non_direct_position,
                                touches_with_anchors.path_length
                            )
                            then 1
                        else 0
                    end
            when 'position'
                then
                    case
                        when touches_with_anchors.path_length = 1 then 1
                        when touches_with_anchors.touch_position = 1
                            then attribution_models.first_weight
                        when touches_with_anchors.touch_position = touches_with_anchors.path_length
                            then attribution_models.last_weight
                        else
                            (1 - attribution_models.first_weight - attribution_models.last_weight)
                            / nullif(touches_with_anchors.path_length - 2, 0)
                    end
            when 'w_shaped'
                then
                    case
                        when touches_with_anchors.w_anchor_count > 0
                            then
                                0.9 * touches_with_anchors.w_anchor_count
                                / nullif(touches_with_anchors.path_w_anchor_count, 0)
                        else 0.1 / nullif(touches_with_anchors.w_other_count, 0)
                    end
            when 'z_shaped'
                then
                    case
                        when
                            touches_with_anchors.w_anchor_count
                            + touches_with_anchors.engagement_anchor_count > 0
                            then
                                0.9
                                * (
                                    touches_with_anchors.w_anchor_count
                                    + touches_with_anchors.engagement_anchor_count
                                )
                                / nullif(
                                    touches_with_anchors.path_w_anchor_count
                                    + touches_with_anchors.path_engagement_anchor_count,
                                    0
                                )
                        else
                            0.1
                            / nullif(
                                touches_with_anchors.w_other_count
                                - touches_with_anchors.engagement_other_count,
                                0
                            )
                    end
            when 'time_decay'
                then {{ power_of_two(
                    'touches_with_anchors.age_beyond_newest_days'
                    ~ ' / nullif(attribution_models.half_life_days, 0)'
                ) }}
            when 'touch_kind' then coalesce(touch_kind_weights.touch_weight, 0)
            else 1
        end as touch_weight
    from touches_with_anchors
    inner join attribution_models
        on touches_with_anchors.path_configuration_id = attribution_models.path_configuration_id
    left join touch_kind_weights
        on
            attribution_models.model_id = touch_kind_weights.attribution_model_id
            and touches_with_anchors.touch_kind = touch_kind_weights.touch_kind

),

-- Sums of decimals do not depend on the order in which an engine adds them.
weights_by_channel as (

    select
        conversion_key,
        attribution_model_id,
        channel_id,
        case
            when attribution_rule = 'linear_distinct' then 1
            else sum(cast(touch_weight as decimal(18, 15)))
        end as channel_weight,
        count(*) as touch_count
    from weighted_touches
    group by conversion_key, attribution_model_id, attribution_rule, channel_id

),

weights_in_order as (

    select
        conversion_key,
        attribution_model_id,
        channel_id,
        channel_weight,
        touch_count,
        sum(channel_weight) over (
            partition by conversion_key, attribution_model_id
            order by channel_id asc nulls last
            rows between unbounded preceding and current row
        ) as weight_up_to_channel,
        sum(touch_count) over (
            partition by conversion_key, attribution_model_id
            order by channel_id asc nulls last
            rows between unbounded preceding and current row
        ) as touch_count_up_to_channel,
        sum(channel_weight) over (partition by conversion_key, attribution_model_id) as path_weight,
        sum(touch_count) over (partition by conversion_key, attribution_model_id)
            as path_touch_count
    from weights_by_channel

),

-- Where no touch of a path weighs anything, all weigh alike. The last channel closes at exactly 1,
-- so that whatever is split along these shares is split without rest.
shares_of_touched as (

    select
        conversion_key,
        attribution_model_id,
        channel_id,
        cast(
            case
                when path_weight = 0
                    then
                        cast(touch_count_up_to_channel - touch_count as double)
                        / nullif(path_touch_count, 0)
                else
                    cast(weight_up_to_channel - channel_weight as double)
                    / nullif(cast(path_weight as double), 0)
            end
            as decimal(18, 12)
        ) as opening_share,
        cast(
            case
                when path_weight = 0
                    then
                        cast(touch_count_up_to_channel as double) / nullif(path_touch_count, 0)
                else
                    cast(weight_up_to_channel as double)
                    / nullif(cast(path_weight as double), 0)
            end
            as decimal(18, 12)
        ) as closing_share
    from weights_in_order

),

final as (

    select
        conversion_key,
        attribution_model_id,
        channel_id,
        cast(null as string) as unknown_reason,
        opening_share,
        closing_share
    from shares_of_touched
    where closing_share > opening_share

    union all

    select
        link_states.conversion_key,
        attribution_models.model_id as attribution_model_id,
        case link_states.link_state when 'no_touch' then '(no touch)' else '(unknown)' end
            as channel_id,
        link_states.unknown_reason,
        cast(0 as decimal(18, 12)) as opening_share,
        cast(1 as decimal(18, 12)) as closing_share
    from link_states
    inner join conversions
        on link_states.conversion_key = conversions.conversion_key
    cross join attribution_models
    inner join path_configurations
        on attribution_models.path_configuration_id = path_configurations.path_configuration_id
    where
        link_states.link_state in ('no_touch', 'unknown')
        and {{ within('conversion', 'link_states.conversion_key') }}
        and ({{ is_of_kinds('path_configurations') }})

)

select * from final
