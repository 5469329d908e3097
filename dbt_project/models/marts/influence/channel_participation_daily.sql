{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}
    where {{ within('day', 'converted_date') }}

),

journeys as (

    select * from {{ ref('int_converted_journeys') }}

),

touches as (

    select * from {{ ref('int_conversion_touches') }}

),

-- A conversion that met no channel stands where it is said why.
channels_met as (

    select
        touches.path_configuration_id,
        touches.conversion_key,
        touches.channel_id,
        max(
            case when touches.touch_position = touches.path_length then 1 else 0 end
        ) as is_last
    from touches
    inner join conversions
        on touches.conversion_key = conversions.conversion_key
    group by
        touches.path_configuration_id,
        touches.conversion_key,
        touches.channel_id

    union all

    select
        path_configuration_id,
        conversion_key,
        case link_state when 'no_touch' then '(no touch)' else '(unknown)' end as channel_id,
        1 as is_last
    from journeys
    where path_length = 0

),

participations_by_day as (

    select
        conversions.converted_date as participation_date,
        channels_met.path_configuration_id,
        channels_met.channel_id,
        conversions.conversion_kind,
        conversions.reporting_currency_code,
        count(*) as met_conversion_count,
        sum(1 - channels_met.is_last) as assisted_conversion_count,
        sum(case when conversions.is_fully_reversed then 0 else 1 end) as net_conversion_count,
        sum(conversions.net_amount_reporting) as net_amount_reporting
    from channels_met
    inner join conversions
        on channels_met.conversion_key = conversions.conversion_key
    group by
        conversions.converted_date,
        channels_met.path_configuration_id,
        channels_met.channel_id,
        conversions.conversion_kind,
        conversions.reporting_currency_code

),

final as (

    select
        {{ surrogate_key([
            'participation_date', 'path_configuration_id', 'channel_id', 'conversion_kind'
        ]) }} as channel_participation_key,
        path_configuration_id,
        channel_id,
        conversion_kind,
        reporting_currency_code,
        cast(met_conversion_count as bigint) as met_conversion_count,
        cast(assisted_conversion_count as bigint) as assisted_conversion_count,
        cast(net_conversion_count as bigint) as net_conversion_count,
        cast(net_amount_reporting as decimal(18, 2)) as net_amount_reporting,
        participation_date
    from participations_by_day

)

select * from final
