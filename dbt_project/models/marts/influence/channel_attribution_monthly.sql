with channel_days as (

    select * from {{ ref('channel_attribution_daily') }}

),

channel_days_with_month as (

    select
        *,
        cast(date_trunc('month', attribution_date) as date) as attribution_month_date
    from channel_days

),

months as (

    select
        attribution_month_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code,
        sum(credit_count) as credit_count,
        sum(original_credit_count) as original_credit_count,
        sum(reversal_credit_count) as reversal_credit_count,
        sum(credit_amount_reporting) as credit_amount_reporting,
        sum(original_credit_amount_reporting) as original_credit_amount_reporting,
        sum(reversal_credit_amount_reporting) as reversal_credit_amount_reporting
    from channel_days_with_month
    group by
        attribution_month_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code

),

final as (

    select
        {{ surrogate_key([
            'attribution_month_date',
            'attribution_model_id',
            'channel_id',
            'conversion_kind',
        ]) }} as channel_attribution_key,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code,
        cast(credit_count as decimal(18, 6)) as credit_count,
        cast(original_credit_count as decimal(18, 6)) as original_credit_count,
        cast(reversal_credit_count as decimal(18, 6)) as reversal_credit_count,
        cast(credit_amount_reporting as decimal(18, 2)) as credit_amount_reporting,
        cast(original_credit_amount_reporting as decimal(18, 2))
            as original_credit_amount_reporting,
        cast(reversal_credit_amount_reporting as decimal(18, 2))
            as reversal_credit_amount_reporting,
        attribution_month_date
    from months

)

select * from final
