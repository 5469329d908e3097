{#- The start of a date's period: of its month, or of everything where the period is the whole range. -#}
{% macro period_start(date, is_monthly) %}
    {%- if is_monthly -%}
        cast(date_trunc('month', {{ date }}) as date)
    {%- else -%}
        cast('1970-01-01' as date)
    {%- endif -%}
{% endmacro %}

{#- All models' credits by period: what follows the imports of channel_attribution_monthly and channel_attribution_total,
    `channel_effects` already reduced to those of months or of the whole range. -#}
{% macro channel_attribution(is_monthly) %}
{%- set least_persons = 10 -%}
ledger_credits as (

    select
        {{ period_start('attribution_date', is_monthly) }} as period_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code,
        sum(original_credit_count) as original_count,
        sum(reversal_credit_count) as reversal_count,
        sum(original_credit_amount_reporting) as original_amount,
        sum(reversal_credit_amount_reporting) as reversal_amount
    from channel_days
    group by
        {{ period_start('attribution_date', is_monthly) }},
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code

),

ledger_credits_of_persons as (

    select
        {{ period_start('credits.entry_date', is_monthly) }} as period_date,
        credits.attribution_model_id,
        credits.channel_id,
        credits.conversion_kind,
        coalesce(conversions.person_key, conversions.conversion_key) as person_key,
        cast(sum(credits.credit_count) as decimal(12, 6)) as person_credit
    from credits
    inner join conversions
        on credits.conversion_key = conversions.conversion_key
    group by
        {{ period_start('credits.entry_date', is_monthly) }},
        credits.attribution_model_id,
        credits.channel_id,
        credits.conversion_kind,
        coalesce(conversions.person_key, conversions.conversion_key)

),

measured_configurations as (

    select distinct path_configuration_id from measured_models

),

measured_conversions as (

    select
        journeys.path_configuration_id,
        journeys.journey_path,
        journeys.link_state,
        conversions.*
    from journeys
    inner join measured_configurations
        on journeys.path_configuration_id = measured_configurations.path_configuration_id
    inner join conversions
        on journeys.conversion_key = conversions.conversion_key

),

-- A reversal is split like its conversion, so by the shares of the conversion's period.
measured_entries as (

    select
        path_configuration_id,
        coalesce(person_key, conversion_key) as person_key,
        conversion_kind,
        reporting_currency_code,
        link_state,
        1 as original_count,
        0 as reversal_count,
        gross_amount_reporting as original_amount,
        cast(0 as decimal(18, 2)) as reversal_amount,
        {{ period_start('converted_date', is_monthly) }} as split_period_date,
        {{ period_start('converted_date', is_monthly) }} as period_date
    from measured_conversions

    union all

    select
        path_configuration_id,
        coalesce(person_key, conversion_key) as person_key,
        conversion_kind,
        reporting_currency_code,
        link_state,
        0 as original_count,
        case when is_fully_reversed then -1 else 0 end as reversal_count,
        cast(0 as decimal(18, 2)) as original_amount,
        cast(-reversed_amount_reporting as decimal(18, 2)) as reversal_amount,
        {{ period_start('converted_date', is_monthly) }} as split_period_date,
        {{ period_start('coalesce(reversed_date, converted_date)', is_monthly) }} as period_date
    from measured_conversions
    where is_fully_reversed or reversed_amount <> 0

),

touched_entries as (

    select
        path_configuration_id,
        conversion_kind,
        reporting_currency_code,
        split_period_date,
        period_date,
        cast(sum(original_count) as decimal(18, 6)) as original_count,
        cast(sum(reversal_count) as decimal(18, 6)) as reversal_count,
        cast(sum(original_amount) as decimal(18, 2)) as original_amount,
        cast(sum(reversal_amount) as decimal(18, 2)) as reversal_amount
    from measured_entries
    where link_state in ('linked', 'direct')
    group by
        path_configuration_id,
        conversion_kind,
        reporting_currency_code,
        split_period_date,
        period_date

),

count_effects as (

    select
        channel_effects.*,
        {{ period_start('month_date', is_monthly) }} as split_period_date
    from channel_effects
    where basis = 'count'

),

value_effects as (

    select
        channel_effects.*,
        {{ period_start('month_date', is_monthly) }} as split_period_date
    from channel_effects
    where basis = 'value'

),

-- Where conversions brought no value there is nothing to split; any shares do.
shares as (

    select
        count_effects.path_configuration_id,
        count_effects.conversion_kind,
        count_effects.attribution_model_id,
        count_effects.channel_id,
        count_effects.split_period_date,
        count_effects.interval_reason,
        count_effects.low_deviation,
        count_effects.high_deviation,
        sum(count_effects.credit_share) over (
            partition by
                count_effects.path_configuration_id,
                count_effects.conversion_kind,
                count_effects.attribution_model_id,
                count_effects.split_period_date
            order by count_effects.channel_id asc nulls last
            rows between unbounded preceding and current row
        ) as count_share_up_to_channel,
        sum(coalesce(value_effects.credit_share, count_effects.credit_share)) over (
            partition by
                count_effects.path_configuration_id,
                count_effects.conversion_kind,
                count_effects.attribution_model_id,
                count_effects.split_period_date
            order by count_effects.channel_id asc nulls last
            rows between unbounded preceding and current row
        ) as amount_share_up_to_channel,
        lead(count_effects.channel_id) over (
            partition by
                count_effects.path_configuration_id,
                count_effects.conversion_kind,
                count_effects.attribution_model_id,
                count_effects.split_period_date
            order by count_effects.channel_id asc nulls last
        ) as next_channel_id
    from count_effects
    left join value_effects
        on
            count_effects.path_configuration_id = value_effects.path_configuration_id
            and count_effects.conversion_kind = value_effects.conversion_kind
            and count_effects.attribution_model_id = value_effects.attribution_model_id
            and count_effects.channel_id = value_effects.channel_id
            and count_effects.split_period_date = value_effects.split_period_date

),

closed_shares as (

    select
        *,
        cast(
            case when next_channel_id is null then 1 else count_share_up_to_channel end
            as decimal(19, 12)
        ) as closing_count_share,
        cast(
            case when next_channel_id is null then 1 else amount_share_up_to_channel end
            as decimal(19, 12)
        ) as closing_amount_share
    from shares

),

opened_shares as (

    select
        *,
        coalesce(
            lag(closing_count_share) over (
                partition by
                    path_configuration_id, conversion_kind, attribution_model_id, split_period_date
                order by channel_id asc nulls last
            ),
            cast(0 as decimal(19, 12))
        ) as opening_count_share,
        coalesce(
            lag(closing_amount_share) over (
                partition by
                    path_configuration_id, conversion_kind, attribution_model_id, split_period_date
                order by channel_id asc nulls last
            ),
            cast(0 as decimal(19, 12))
        ) as opening_amount_share
    from closed_shares

),

measured_credits as (

    select
        touched_entries.path_configuration_id,
        touched_entries.period_date,
        opened_shares.attribution_model_id,
        opened_shares.channel_id,
        touched_entries.conversion_kind,
        touched_entries.reporting_currency_code,
        {%- for part in ['original', 'reversal'] %}
        sum(
            round(opened_shares.closing_count_share * touched_entries.{{ part }}_count, 6)
            - round(opened_shares.opening_count_share * touched_entries.{{ part }}_count, 6)
        ) as {{ part }}_count,
        sum(
            round(opened_shares.closing_amount_share * touched_entries.{{ part }}_amount, 2)
            - round(opened_shares.opening_amount_share * touched_entries.{{ part }}_amount, 2)
        ) as {{ part }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from touched_entries
    inner join opened_shares
        on
            touched_entries.path_configuration_id = opened_shares.path_configuration_id
            and touched_entries.conversion_kind = opened_shares.conversion_kind
            and touched_entries.split_period_date = opened_shares.split_period_date
    group by
        touched_entries.path_configuration_id,
        touched_entries.period_date,
        opened_shares.attribution_model_id,
        opened_shares.channel_id,
        touched_entries.conversion_kind,
        touched_entries.reporting_currency_code

),

persons_of_channels as (

    select
        measured_conversions.path_configuration_id,
        {{ period_start('measured_conversions.converted_date', is_monthly) }} as period_date,
        measured_conversions.conversion_kind,
        path_channels.channel_id,
        count(
            distinct
            coalesce(measured_conversions.person_key, measured_conversions.conversion_key)
        ) as person_count
    from measured_conversions
    inner join paths
        on measured_conversions.journey_path = paths.journey_path
    inner join path_channels
        on paths.path_number = path_channels.path_number
    group by
        measured_conversions.path_configuration_id,
        {{ period_start('measured_conversions.converted_date', is_monthly) }},
        measured_conversions.conversion_kind,
        path_channels.channel_id

),

originals as (

    select
        path_configuration_id,
        conversion_kind,
        period_date,
        sum(original_count) as original_count
    from touched_entries
    group by path_configuration_id, conversion_kind, period_date

),

-- The deviations are parts of the period's own conversions; reversals move the credit, not them.
channel_credits as (

    select
        measured_credits.period_date,
        measured_credits.attribution_model_id,
        measured_credits.channel_id,
        measured_credits.conversion_kind,
        measured_models.label,
        measured_credits.reporting_currency_code,
        measured_models.assumption_ids,
        opened_shares.interval_reason,
        measured_models.basis,
        measured_credits.original_count,
        measured_credits.reversal_count,
        measured_credits.original_amount,
        measured_credits.reversal_amount,
        coalesce(persons_of_channels.person_count, 0) as person_count,
        measured_credits.original_count
        + measured_credits.reversal_count
        + opened_shares.low_deviation * originals.original_count as credit_low,
        measured_credits.original_count
        + measured_credits.reversal_count
        + opened_shares.high_deviation * originals.original_count as credit_high,
        coalesce(measured_models.shapley_game, '') <> 'rate' as is_never_negative
    from measured_credits
    inner join measured_models
        on measured_credits.attribution_model_id = measured_models.model_id
    inner join originals
        on
            measured_credits.path_configuration_id = originals.path_configuration_id
            and measured_credits.conversion_kind = originals.conversion_kind
            and measured_credits.period_date = originals.period_date
    left join opened_shares
        on
            measured_credits.attribution_model_id = opened_shares.attribution_model_id
            and measured_credits.channel_id = opened_shares.channel_id
            and measured_credits.conversion_kind = opened_shares.conversion_kind
            and measured_credits.period_date = opened_shares.split_period_date
    left join persons_of_channels
        on
            measured_credits.path_configuration_id = persons_of_channels.path_configuration_id
            and measured_credits.period_date = persons_of_channels.period_date
            and measured_credits.conversion_kind = persons_of_channels.conversion_kind
            and measured_credits.channel_id = persons_of_channels.channel_id

),

absent_credits_of_persons as (

    select
        path_configuration_id,
        period_date,
        case link_state when 'no_touch' then '(no touch)' else '(unknown)' end as channel_id,
        conversion_kind,
        reporting_currency_code,
        person_key,
        sum(original_count) as original_count,
        sum(reversal_count) as reversal_count,
        sum(original_amount) as original_amount,
        sum(reversal_amount) as reversal_amount,
        cast(sum(original_count + reversal_count) as decimal(12, 6)) as person_credit
    from measured_entries
    where link_state in ('no_touch', 'unknown')
    group by
        path_configuration_id,
        period_date,
        link_state,
        conversion_kind,
        reporting_currency_code,
        person_key

),

absent_credits as (

    select
        path_configuration_id,
        period_date,
        channel_id,
        conversion_kind,
        reporting_currency_code,
        sum(original_count) as original_count,
        sum(reversal_count) as reversal_count,
        sum(original_amount) as original_amount,
        sum(reversal_amount) as reversal_amount,
        {{ moments_of_persons() }}
    from absent_credits_of_persons
    group by
        path_configuration_id, period_date, channel_id, conversion_kind, reporting_currency_code

),

ledger_moments as (

    select
        period_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        {{ moments_of_persons() }}
    from ledger_credits_of_persons
    group by period_date, attribution_model_id, channel_id, conversion_kind

),

all_credits as (

    select
        ledger_credits.period_date,
        ledger_credits.attribution_model_id,
        ledger_credits.channel_id,
        ledger_credits.conversion_kind,
        ledger_credits.label,
        ledger_credits.reporting_currency_code,
        'AT1' as assumption_ids,
        cast(null as string) as interval_reason,
        'count and value' as basis,
        ledger_credits.original_count,
        ledger_credits.reversal_count,
        ledger_credits.original_amount,
        ledger_credits.reversal_amount,
        ledger_moments.person_count,
        {{ poisson_interval('person_credits', 'squares', 'cubes', -1) }} as credit_low,
        {{ poisson_interval('person_credits', 'squares', 'cubes', 1) }} as credit_high,
        ledger_moments.least_credit >= 0 as is_never_negative
    from ledger_credits
    inner join ledger_moments
        on
            ledger_credits.period_date = ledger_moments.period_date
            and ledger_credits.attribution_model_id = ledger_moments.attribution_model_id
            and ledger_credits.channel_id = ledger_moments.channel_id
            and ledger_credits.conversion_kind = ledger_moments.conversion_kind

    union all

    select
        absent_credits.period_date,
        measured_models.model_id as attribution_model_id,
        absent_credits.channel_id,
        absent_credits.conversion_kind,
        measured_models.label,
        absent_credits.reporting_currency_code,
        measured_models.assumption_ids,
        cast(null as string) as interval_reason,
        measured_models.basis,
        absent_credits.original_count,
        absent_credits.reversal_count,
        absent_credits.original_amount,
        absent_credits.reversal_amount,
        absent_credits.person_count,
        {{ poisson_interval('person_credits', 'squares', 'cubes', -1) }} as credit_low,
        {{ poisson_interval('person_credits', 'squares', 'cubes', 1) }} as credit_high,
        absent_credits.least_credit >= 0 as is_never_negative
    from absent_credits
    inner join measured_models
        on absent_credits.path_configuration_id = measured_models.path_configuration_id

    union all

    select
        period_date,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code,
        assumption_ids,
        interval_reason,
        basis,
        original_count,
        reversal_count,
        original_amount,
        reversal_amount,
        person_count,
        credit_low,
        credit_high,
        is_never_negative
    from channel_credits

),

credits_with_status as (

    select
        *,
        original_count + reversal_count as net_count,
        case
            when person_count < {{ least_persons }} then 'not_enough_data'
            when interval_reason is not null then 'not_resampled'
            else 'ok'
        end as interval_status
    from all_credits

),

observed_days as (

    select
        min(attribution_date) as first_date,
        max(attribution_date) as last_date
    from channel_days

),

final as (

    select
        {{ surrogate_key(
            (['period_date'] if is_monthly else [])
            + ['attribution_model_id', 'channel_id', 'conversion_kind']
        ) }} as channel_attribution_key,
        attribution_model_id,
        channel_id,
        conversion_kind,
        label,
        reporting_currency_code,
        assumption_ids,
        interval_status,
        case interval_status
            when 'not_enough_data' then 'fewer_than_{{ least_persons }}_persons'
            when 'not_resampled' then interval_reason
        end as interval_reason,
        case
            when basis = 'count' then 'no_value_version'
            when original_amount + reversal_amount is null then 'no_exchange_rate'
        end as amount_reason,
        cast(person_count as bigint) as person_count,
        cast(net_count as decimal(18, 6)) as credit_count,
        cast(
            case
                when interval_status = 'ok'
                    then
                        least(
                            case
                                when is_never_negative then greatest(credit_low, 0) else credit_low
                            end,
                            net_count
                        )
            end
            as decimal(18, 6)
        ) as credit_count_low,
        cast(
            case when interval_status = 'ok' then greatest(credit_high, net_count) end
            as decimal(18, 6)
        ) as credit_count_high,
        cast(original_count as decimal(18, 6)) as original_credit_count,
        cast(reversal_count as decimal(18, 6)) as reversal_credit_count,
        {%- for name, amount in [
            ('credit', 'original_amount + reversal_amount'),
            ('original_credit', 'original_amount'),
            ('reversal_credit', 'reversal_amount'),
        ] %}
        cast(case when basis <> 'count' then {{ amount }} end as decimal(18, 2))
            as {{ name }}_amount_reporting,
        {%- endfor %}
        {%- if is_monthly %}
        period_date as attribution_month_date
        {%- else %}
        observed_days.first_date as attribution_first_date,
        observed_days.last_date as attribution_last_date
        {%- endif %}
    from credits_with_status
    {%- if not is_monthly %}
    cross join observed_days
    {%- endif %}

)

select * from final
{% endmacro %}

{#- Sums over people of their credit and of its powers; decimals, so that no order of adding shows. -#}
{% macro moments_of_persons() -%}
    sum(person_credit) as person_credits,
        sum(person_credit * person_credit) as squares,
        sum(person_credit * person_credit * person_credit) as cubes,
        min(person_credit) as least_credit,
        sum(case when person_credit <> 0 then 1 else 0 end) as person_count
{%- endmacro %}
