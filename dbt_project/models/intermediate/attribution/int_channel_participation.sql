with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

path_channels as (

    select * from {{ ref('int_path_channels') }}

),

kinds as (

    select distinct
        kind_number,
        path_configuration_id,
        conversion_kind
    from path_counts

),

channels as (

    select * from {{ ref('int_numbered_channels') }}

),

-- Parts of journeys as decimals, because sums of doubles depend on the order of rows.
participations as (

    select
        path_counts.kind_number,
        path_channels.channel_number,
        path_counts.person_group,
        path_channels.channel_position,
        path_channels.is_direct_only,
        path_counts.journey_count,
        case when path_channels.channel_position = 1 then path_counts.journey_count else 0 end
            as begun_journey_count,
        cast(
            cast(path_counts.journey_count as double)
            / nullif(path_channels.distinct_channel_count, 0)
            as decimal(38, 18)
        ) as shared_journey_count,
        path_counts.value_amount,
        case when path_channels.channel_position = 1 then path_counts.value_amount else 0 end
            as begun_value_amount,
        cast(
            cast(path_counts.value_amount as double)
            / nullif(path_channels.distinct_channel_count, 0)
            as decimal(38, 18)
        ) as shared_value_amount,
        path_counts.month_date
    from path_counts
    inner join path_channels
        on path_counts.path_number = path_channels.path_number

),

readings as (

    select
        kind_number,
        channel_number,
        person_group,
        channel_position,
        is_direct_only,
        sum(journey_count) as journey_count,
        sum(begun_journey_count) as begun_journey_count,
        sum(shared_journey_count) as shared_journey_count,
        sum(value_amount) as value_amount,
        sum(begun_value_amount) as begun_value_amount,
        sum(shared_value_amount) as shared_value_amount,
        month_date
    from participations
    -- sqlfluff reads no grouping sets.
    group by grouping sets ( -- noqa: PRS, RF02
        (kind_number, channel_number, is_direct_only, month_date, person_group),
        (kind_number, channel_number, is_direct_only, month_date, channel_position)
    )

),

final as (

    select
        kinds.path_configuration_id,
        kinds.conversion_kind,
        readings.kind_number,
        channels.channel_id,
        readings.channel_number,
        readings.person_group,
        readings.channel_position,
        readings.is_direct_only,
        cast(readings.journey_count as bigint) as journey_count,
        cast(readings.begun_journey_count as bigint) as begun_journey_count,
        cast(readings.shared_journey_count as decimal(38, 18)) as shared_journey_count,
        cast(readings.value_amount as decimal(18, 2)) as value_amount,
        cast(readings.begun_value_amount as decimal(18, 2)) as begun_value_amount,
        cast(readings.shared_value_amount as decimal(38, 18)) as shared_value_amount,
        readings.month_date
    from readings
    inner join kinds
        on readings.kind_number = kinds.kind_number
    inner join channels
        on readings.channel_number = channels.channel_number

)

select * from final
