with exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

rates_with_next as (

    select
        currency_code,
        base_currency_code,
        rate,
        rate_date,
        cast({{ plus_days('rate_date', 7) }} as date) as last_usable_date,
        lead(rate_date) over (
            partition by base_currency_code, currency_code
            order by rate_date asc nulls last
        ) as next_rate_date
    from exchange_rates

),

quoted_spans as (

    select
        currency_code,
        base_currency_code,
        rate,
        rate_date,
        rate_date as valid_from_date,
        case
            when next_rate_date <= last_usable_date
                then cast({{ plus_days('next_rate_date', -1) }} as date)
            else last_usable_date
        end as valid_to_date
    from rates_with_next

),

-- One unit of the base is one unit of the base on every day.
spans_with_base as (

    select
        currency_code,
        base_currency_code,
        rate,
        rate_date,
        valid_from_date,
        valid_to_date
    from quoted_spans

    union all

    select
        base_currency_code as currency_code,
        base_currency_code,
        1.0 as rate,
        cast(null as date) as rate_date,
        min(valid_from_date) as valid_from_date,
        max(valid_to_date) as valid_to_date
    from quoted_spans
    group by base_currency_code

),

reporting_spans as (

    select * from spans_with_base
    where currency_code = '{{ reporting_currency() }}'

),

-- Both legs go through the same base; the rate is as old as the older leg.
crossed_spans as (

    select
        spans_with_base.currency_code,
        reporting_spans.currency_code as reporting_currency_code,
        cast(reporting_spans.rate as double)
        / nullif(cast(spans_with_base.rate as double), 0) as exchange_rate,
        coalesce(
            least(spans_with_base.rate_date, reporting_spans.rate_date),
            spans_with_base.rate_date,
            reporting_spans.rate_date
        ) as exchange_rate_date,
        greatest(spans_with_base.valid_from_date, reporting_spans.valid_from_date)
            as valid_from_date,
        least(spans_with_base.valid_to_date, reporting_spans.valid_to_date) as valid_to_date
    from spans_with_base
    inner join reporting_spans
        on
            spans_with_base.base_currency_code = reporting_spans.base_currency_code
            and spans_with_base.currency_code <> reporting_spans.currency_code

),

final as (

    select
        {{ surrogate_key(['currency_code', 'valid_from_date']) }} as exchange_rate_key,
        currency_code,
        reporting_currency_code,
        exchange_rate,
        exchange_rate_date,
        valid_from_date,
        valid_to_date
    from crossed_spans
    where valid_from_date <= valid_to_date

)

select * from final
