{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}
    where {{ within('conversion', 'conversion_key') }}

),

channel_shares as (

    select * from {{ ref('int_channel_shares') }}
    where {{ within('conversion', 'conversion_key') }}

),

-- Amounts of 19 digits, because DuckDB multiplies two decimals of 18 in 18 and some thousands would
-- overflow.
entries as (

    select
        conversion_key,
        conversion_kind,
        currency_code,
        reporting_currency_code,
        'original' as entry,
        cast(1 as decimal(18, 6)) as entry_count,
        cast(gross_amount as decimal(19, 2)) as entry_amount,
        cast(gross_amount_reporting as decimal(19, 2)) as entry_amount_reporting,
        converted_date as entry_date
    from conversions

    union all

    select
        conversion_key,
        conversion_kind,
        currency_code,
        reporting_currency_code,
        'reversal' as entry,
        cast(case when is_fully_reversed then -1 else 0 end as decimal(18, 6)) as entry_count,
        cast(-reversed_amount as decimal(19, 2)) as entry_amount,
        cast(-reversed_amount_reporting as decimal(19, 2)) as entry_amount_reporting,
        coalesce(reversed_date, converted_date) as entry_date
    from conversions
    where is_fully_reversed or reversed_amount <> 0

),

-- Each channel gets what lies between its opening and its closing share, rounded at both: the
-- parts add up to the whole.
final as (

    select
        {{ surrogate_key([
            'channel_shares.conversion_key',
            'channel_shares.attribution_model_id',
            'channel_shares.channel_id',
            'entries.entry',
        ]) }} as attribution_credit_key,
        channel_shares.conversion_key,
        channel_shares.attribution_model_id,
        channel_shares.channel_id,
        entries.entry,
        entries.conversion_kind,
        channel_shares.unknown_reason,
        entries.currency_code,
        entries.reporting_currency_code,
        cast(
            (round(channel_shares.closing_share, 6) - round(channel_shares.opening_share, 6))
            * entries.entry_count
            as decimal(18, 6)
        ) as credit_count,
        cast(
            round(channel_shares.closing_share * entries.entry_amount, 2)
            - round(channel_shares.opening_share * entries.entry_amount, 2)
            as decimal(18, 2)
        ) as credit_amount,
        cast(
            round(channel_shares.closing_share * entries.entry_amount_reporting, 2)
            - round(channel_shares.opening_share * entries.entry_amount_reporting, 2)
            as decimal(18, 2)
        ) as credit_amount_reporting,
        entries.entry_date
    from entries
    inner join channel_shares
        on entries.conversion_key = channel_shares.conversion_key

)

select * from final
