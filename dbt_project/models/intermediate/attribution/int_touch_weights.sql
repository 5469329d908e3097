with paths as (

    select * from {{ ref('int_conversion_paths') }}

),

attribution_models as (

    select * from {{ ref('attribution_models') }}

),

touches_by_model as (

    select
        paths.conversion_key,
        attribution_models.model_id as attribution_model_id,
        paths.touchpoint_key,
        paths.channel_id,
        paths.touch_position,
        paths.path_length,
        paths.age_days,
        attribution_models.rule as attribution_rule,
        cast(attribution_models.first_weight as double) as first_weight,
        cast(attribution_models.last_weight as double) as last_weight,
        cast(attribution_models.half_life_days as double) as half_life_days,
        max(case when paths.channel_id <> '(direct)' then paths.touch_position end) over (
            partition by paths.conversion_key, attribution_models.model_id
        ) as last_non_direct_position,
        min(paths.age_days) over (
            partition by paths.conversion_key, attribution_models.model_id
        ) as newest_age_days
    from paths
    inner join attribution_models
        on paths.lookback_days = attribution_models.lookback_days

),

-- Ages count from the newest touch: the weights are the same and a short half-life cannot make
-- all of them zero.
relative_weights as (

    select
        *,
        case
            when attribution_rule = 'first'
                then case when touch_position = 1 then 1 else 0 end
            when attribution_rule = 'last'
                then case when touch_position = path_length then 1 else 0 end
            when attribution_rule = 'last_non_direct'
                then
                    case
                        when touch_position = coalesce(last_non_direct_position, path_length) then 1
                        else 0
                    end
            when attribution_rule = 'linear' then 1
            when attribution_rule = 'position'
                then
                    case
                        when path_length = 1 then 1
                        when touch_position = 1 then first_weight
                        when touch_position = path_length then last_weight
                        else (1 - first_weight - last_weight) / nullif(path_length - 2, 0)
                    end
            when attribution_rule = 'time_decay'
                then {{ power_of_two(
                    '(newest_age_days - age_days) / nullif(half_life_days, 0)'
                ) }}
        end as relative_weight
    from touches_by_model

),

shares as (

    select
        *,
        cast(relative_weight as double)
        / nullif(
            sum(cast(relative_weight as double)) over (
                partition by conversion_key, attribution_model_id
            ),
            0
        ) as touch_share
    from relative_weights

),

-- Decimal from here on: sums of decimals do not depend on the order in which an engine adds them.
final as (

    select
        {{ surrogate_key(['conversion_key', 'attribution_model_id', 'touchpoint_key']) }}
            as touch_weight_key,
        conversion_key,
        attribution_model_id,
        touchpoint_key,
        channel_id,
        touch_position,
        path_length,
        cast(touch_share as decimal(18, 12)) as touch_weight
    from shares

)

select * from final
