with channel_days as (

    select * from {{ ref('channel_attribution_daily') }}

),

attribution_models as (

    select * from {{ ref('attribution_models') }}

),

channel_costs as (

    select * from {{ ref('channel_costs') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates') }}

),

-- Without a rate the cost stays empty, never taken at 1. Decimal before rounding: both engines
-- round decimals alike.
costs_in_reporting_currency as (

    select
        cast(date_trunc('month', channel_costs.cost_date) as date) as spend_month_date,
        channel_costs.channel_id,
        case
            when channel_costs.currency_code = '{{ reporting_currency() }}'
                then channel_costs.cost_amount
            else cast(
                round(
                    cast(
                        cast(channel_costs.cost_amount as double) * exchange_rates.exchange_rate
                        as decimal(28, 8)
                    ),
                    2
                ) as decimal(18, 2)
            )
        end as cost_reporting
    from channel_costs
    left join exchange_rates
        on
            channel_costs.currency_code = exchange_rates.currency_code
            and channel_costs.cost_date
            between exchange_rates.valid_from_date and exchange_rates.valid_to_date

),

costs_by_month as (

    select
        spend_month_date,
        channel_id,
        count(*) as cost_count,
        case when count(cost_reporting) = count(*) then sum(cost_reporting) end as cost_reporting
    from costs_in_reporting_currency
    group by spend_month_date, channel_id

),

credits_by_month as (

    select
        cast(date_trunc('month', attribution_date) as date) as spend_month_date,
        attribution_model_id,
        channel_id,
        sum(case when conversion_kind <> 'sign_up' then credit_count else 0 end)
            as purchase_credit_count,
        sum(case when conversion_kind = 'sign_up' then credit_count else 0 end)
            as sign_up_credit_count,
        sum(credit_amount_reporting) as credit_amount_reporting
    from channel_days
    group by
        cast(date_trunc('month', attribution_date) as date), attribution_model_id, channel_id

),

months_in_ledger as (

    select distinct spend_month_date
    from credits_by_month

),

-- Costs without credit and credit without costs both stay.
channel_months as (

    select
        spend_month_date,
        attribution_model_id,
        channel_id
    from credits_by_month

    union distinct

    select
        costs_by_month.spend_month_date,
        attribution_models.model_id as attribution_model_id,
        costs_by_month.channel_id
    from costs_by_month
    cross join attribution_models

),

-- In a month that the ledger reaches a channel without a row has earned nothing; in another month
-- nobody knows.
spend as (

    select
        channel_months.spend_month_date,
        channel_months.attribution_model_id,
        channel_months.channel_id,
        attribution_models.label,
        costs_by_month.cost_reporting,
        coalesce(costs_by_month.cost_count, 0) as cost_count,
        case
            when costs_by_month.channel_id is null then 'not_given'
            when costs_by_month.cost_reporting is null then 'rate_missing'
            else 'known'
        end as cost_status,
        case
            when months_in_ledger.spend_month_date is not null
                then coalesce(credits_by_month.purchase_credit_count, 0)
        end as purchase_credit_count,
        case
            when months_in_ledger.spend_month_date is not null
                then coalesce(credits_by_month.sign_up_credit_count, 0)
        end as sign_up_credit_count,
        case
            when months_in_ledger.spend_month_date is not null
                then coalesce(credits_by_month.credit_amount_reporting, 0)
        end as credit_amount_reporting
    from channel_months
    inner join attribution_models
        on channel_months.attribution_model_id = attribution_models.model_id
    left join costs_by_month
        on
            channel_months.spend_month_date = costs_by_month.spend_month_date
            and channel_months.channel_id = costs_by_month.channel_id
    left join credits_by_month
        on
            channel_months.spend_month_date = credits_by_month.spend_month_date
            and channel_months.attribution_model_id = credits_by_month.attribution_model_id
            and channel_months.channel_id = credits_by_month.channel_id
    left join months_in_ledger
        on channel_months.spend_month_date = months_in_ledger.spend_month_date

),

final as (

    select
        {{ surrogate_key(['spend_month_date', 'attribution_model_id', 'channel_id']) }}
            as channel_spend_key,
        attribution_model_id,
        channel_id,
        label,
        cost_status,
        '{{ reporting_currency() }}' as reporting_currency_code,
        cast(cost_count as bigint) as cost_count,
        cast(cost_reporting as decimal(18, 2)) as cost_reporting,
        cast(purchase_credit_count as decimal(18, 6)) as purchase_credit_count,
        cast(sign_up_credit_count as decimal(18, 6)) as sign_up_credit_count,
        cast(credit_amount_reporting as decimal(18, 2)) as credit_amount_reporting,
        case
            when purchase_credit_count > 0
                then
                    cast(cost_reporting as double)
                    / nullif(cast(purchase_credit_count as double), 0)
        end as cost_per_purchase,
        case
            when sign_up_credit_count > 0
                then
                    cast(cost_reporting as double)
                    / nullif(cast(sign_up_credit_count as double), 0)
        end as cost_per_sign_up,
        cast(credit_amount_reporting as double) / nullif(cast(cost_reporting as double), 0)
            as return_on_spend,
        spend_month_date
    from spend

)

select * from final
