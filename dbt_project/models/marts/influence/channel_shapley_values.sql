with participation as (

    select * from {{ ref('int_channel_participation') }}

),

channel_effects as (

    select * from {{ source('measurement', 'channel_effects') }}

),

measured_models as (

    select * from {{ ref('measured_attribution_models') }}
    where family = 'shapley'

),

-- Every converted journey in equal parts to its distinct channels, told apart by the place at
-- which a channel first came.
sum_game_values as (

    select
        measured_models.model_id as attribution_model_id,
        participation.channel_id,
        participation.conversion_kind,
        measured_models.label,
        measured_models.assumption_ids,
        participation.channel_position,
        sum(participation.shared_journey_count) as shapley_value,
        sum(participation.shared_value_amount) as shapley_value_amount,
        sum(participation.journey_count) as converted_count,
        participation.month_date
    from participation
    inner join measured_models
        on
            participation.path_configuration_id = measured_models.path_configuration_id
            and measured_models.shapley_game = 'sum'
    where
        participation.channel_position is not null
        and participation.conversion_kind <> '(not converted)'
    group by
        measured_models.model_id,
        participation.channel_id,
        participation.conversion_kind,
        measured_models.label,
        measured_models.assumption_ids,
        participation.channel_position,
        participation.month_date

),

final_values as (

    select
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        assumption_ids,
        channel_position,
        cast(shapley_value as double) as shapley_value,
        cast(shapley_value_amount as double) as shapley_value_amount,
        converted_count,
        month_date
    from sum_game_values

    union all

    select
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        assumption_ids,
        channel_position,
        cast(sum(shapley_value) as double) as shapley_value,
        cast(sum(shapley_value_amount) as double) as shapley_value_amount,
        sum(converted_count) as converted_count,
        cast(null as date) as month_date
    from sum_game_values
    group by
        attribution_model_id, channel_id, conversion_kind, label, assumption_ids, channel_position

    union all

    select
        channel_effects.attribution_model_id,
        channel_effects.channel_id,
        channel_effects.conversion_kind,
        measured_models.label,
        measured_models.assumption_ids,
        cast(null as bigint) as channel_position,
        channel_effects.effect as shapley_value,
        cast(null as double) as shapley_value_amount,
        channel_effects.converted_count,
        channel_effects.month_date
    from channel_effects
    inner join measured_models
        on
            channel_effects.attribution_model_id = measured_models.model_id
            and measured_models.shapley_game = 'rate'
    where channel_effects.effect is not null

),

final as (

    select
        {{ surrogate_key([
            'month_date',
            'attribution_model_id',
            'channel_id',
            'conversion_kind',
            'channel_position',
        ]) }} as shapley_value_key,
        attribution_model_id,
        channel_id,
        conversion_kind,
        case when month_date is null then 'whole_range' else 'month' end as period,
        label,
        assumption_ids,
        channel_position,
        shapley_value,
        shapley_value_amount,
        cast(converted_count as bigint) as converted_count,
        month_date
    from final_values

)

select * from final
