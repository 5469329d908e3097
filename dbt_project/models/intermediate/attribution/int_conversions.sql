{{ config(materialized='replaced') }}
{%- set reporting_currency_code = reporting_currency() -%}
with staged_conversions as (
    {{ union_staged(
        'conversions',
        conversion_columns(),
        within={surrogate_key(['platform_id', 'conversion_id']): 'conversion'}
    ) }}

),

conversion_sources as (

    select * from {{ ref('conversion_sources') }}

),

aliases as (

    select * from {{ ref('int_conversion_aliases') }}

),

people as (

    select * from {{ ref('int_people') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates') }}

),

conversions_with_key as (

    select
        {{ surrogate_key(['platform_id', 'conversion_id']) }} as conversion_key,
        platform_id,
        conversion_id,
        conversion_kind,
        identifier_type,
        identifier_value,
        region_code,
        currency_code,
        reversal_known_as,
        gross_amount,
        reversed_amount,
        is_fully_reversed,
        {{ reporting_date('converted_at') }} as converted_date,
        {{ reporting_date('reversed_at') }} as reversed_date,
        converted_at,
        reversed_at
    from staged_conversions

),

-- A source that the seed does not name counts: what is forgotten there must not vanish here.
counted_conversions as (

    select conversions_with_key.*
    from conversions_with_key
    left join conversion_sources
        on
            conversions_with_key.platform_id = conversion_sources.platform_id
            and conversions_with_key.conversion_kind = conversion_sources.conversion_kind
    left join aliases
        on conversions_with_key.conversion_key = aliases.alias_conversion_key
    where
        coalesce(conversion_sources.counts_as_conversion, true)
        and aliases.alias_conversion_key is null

),

conversions_with_rate as (

    select
        counted_conversions.*,
        people.person_key,
        case
            when counted_conversions.currency_code = '{{ reporting_currency_code }}' then 1.0
            else exchange_rates.exchange_rate
        end as exchange_rate,
        case
            when counted_conversions.currency_code = '{{ reporting_currency_code }}'
                then counted_conversions.converted_date
            else exchange_rates.exchange_rate_date
        end as exchange_rate_date
    from counted_conversions
    left join people
        on
            counted_conversions.identifier_type = people.identifier_type
            and counted_conversions.identifier_value = people.identifier_value
    left join exchange_rates
        on
            counted_conversions.currency_code = exchange_rates.currency_code
            and counted_conversions.converted_date
            between exchange_rates.valid_from_date and exchange_rates.valid_to_date

),

-- A sign-up has no amount and no currency, so it needs no rate. Decimal before rounding: both
-- engines round decimals alike.
conversions_in_reporting_currency as (

    select
        *,
        {%- for part in ['gross', 'reversed'] %}
        case
            when currency_code is null and gross_amount = 0 then cast(0 as decimal(18, 2))
            else cast(
                round(
                    cast(cast({{ part }}_amount as double) * exchange_rate as decimal(28, 8)), 2
                ) as decimal(18, 2)
            )
        end as {{ part }}_amount_reporting
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from conversions_with_rate

),

final as (

    select
        conversion_key,
        person_key,
        platform_id,
        conversion_id,
        conversion_kind,
        identifier_type,
        identifier_value,
        region_code,
        currency_code,
        '{{ reporting_currency_code }}' as reporting_currency_code,
        reversal_known_as,
        cast(exchange_rate as double) as exchange_rate,
        gross_amount,
        reversed_amount,
        cast(gross_amount - reversed_amount as decimal(18, 2)) as net_amount,
        gross_amount_reporting,
        reversed_amount_reporting,
        cast(gross_amount_reporting - reversed_amount_reporting as decimal(18, 2))
            as net_amount_reporting,
        is_fully_reversed,
        converted_date,
        reversed_date,
        exchange_rate_date,
        converted_at,
        reversed_at
    from conversions_in_reporting_currency

)

select * from final
