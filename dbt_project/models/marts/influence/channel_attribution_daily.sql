{{ config(materialized='replaced') }}
with credits as (

    select * from {{ ref('fct_attribution_credits') }}
    where {{ within('day', 'entry_date') }}

),

attribution_models as (

    select * from {{ ref('attribution_models') }}

),

credits_by_day as (

    select
        entry_date as attribution_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        reporting_currency_code,
        sum(case when entry = 'original' then credit_count else 0 end) as original_credit_count,
        sum(case when entry = 'reversal' then credit_count else 0 end) as reversal_credit_count,
        sum(case when entry = 'original' then credit_amount_reporting else 0 end)
            as original_credit_amount_reporting,
        sum(case when entry = 'reversal' then credit_amount_reporting else 0 end)
            as reversal_credit_amount_reporting
    from credits
    group by
        entry_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        reporting_currency_code

),

final as (

    select
        {{ surrogate_key([
            'credits_by_day.attribution_date',
            'credits_by_day.attribution_model_id',
            'credits_by_day.channel_id',
            'credits_by_day.conversion_kind',
        ]) }} as channel_attribution_key,
        credits_by_day.attribution_model_id,
        credits_by_day.channel_id,
        credits_by_day.conversion_kind,
        attribution_models.label,
        credits_by_day.reporting_currency_code,
        cast(
            credits_by_day.original_credit_count + credits_by_day.reversal_credit_count
            as decimal(18, 6)
        ) as credit_count,
        cast(credits_by_day.original_credit_count as decimal(18, 6)) as original_credit_count,
        cast(credits_by_day.reversal_credit_count as decimal(18, 6)) as reversal_credit_count,
        cast(
            credits_by_day.original_credit_amount_reporting
            + credits_by_day.reversal_credit_amount_reporting
            as decimal(18, 2)
        ) as credit_amount_reporting,
        cast(credits_by_day.original_credit_amount_reporting as decimal(18, 2))
            as original_credit_amount_reporting,
        cast(credits_by_day.reversal_credit_amount_reporting as decimal(18, 2))
            as reversal_credit_amount_reporting,
        credits_by_day.attribution_date
    from credits_by_day
    inner join attribution_models
        on credits_by_day.attribution_model_id = attribution_models.model_id

)

select * from final
