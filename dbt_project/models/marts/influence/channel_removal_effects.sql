with channel_effects as (

    select * from {{ source('measurement', 'channel_effects') }}

),

measured_models as (

    select * from {{ ref('measured_attribution_models') }}

),

effects_with_period as (

    select
        *,
        case when month_date is null then 'whole_range' else 'month' end as period
    from channel_effects

),

final as (

    select
        {{ surrogate_key([
            'effects_with_period.period',
            'effects_with_period.month_date',
            'effects_with_period.attribution_model_id',
            'effects_with_period.basis',
            'effects_with_period.channel_id',
            'effects_with_period.conversion_kind',
        ]) }} as removal_effect_key,
        effects_with_period.attribution_model_id,
        effects_with_period.channel_id,
        effects_with_period.conversion_kind,
        effects_with_period.basis,
        effects_with_period.period,
        measured_models.label,
        measured_models.assumption_ids,
        coalesce(effects_with_period.order_verdict, 'not_evaluated') as order_verdict,
        measured_models.markov_order,
        effects_with_period.effect as removal_effect,
        effects_with_period.participation_share,
        effects_with_period.base as base_result,
        effects_with_period.held_out_loss,
        effects_with_period.state_count,
        effects_with_period.converted_count,
        effects_with_period.not_converted_count,
        effects_with_period.held_out_journey_count,
        effects_with_period.month_date
    from effects_with_period
    inner join measured_models
        on effects_with_period.attribution_model_id = measured_models.model_id
    where measured_models.family = 'markov' and effects_with_period.effect is not null

)

select * from final
