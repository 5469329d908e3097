with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

first_visits as (

    select * from {{ ref('int_path_steps') }}
    where channel_position is not null

),

final as (

    select
        path_counts.path_configuration_id,
        path_counts.conversion_kind,
        first_visits.channel_id,
        path_counts.person_group,
        first_visits.channel_position,
        first_visits.distinct_channel_count,
        first_visits.is_direct_only,
        cast(sum(path_counts.converted_count) as bigint) as converted_count,
        cast(sum(path_counts.not_converted_count) as bigint) as not_converted_count,
        cast(sum(path_counts.value_amount) as decimal(18, 2)) as value_amount,
        path_counts.month_date
    from path_counts
    inner join first_visits
        on path_counts.journey_path = first_visits.journey_path
    group by
        path_counts.path_configuration_id,
        path_counts.conversion_kind,
        first_visits.channel_id,
        path_counts.person_group,
        first_visits.channel_position,
        first_visits.distinct_channel_count,
        first_visits.is_direct_only,
        path_counts.month_date

)

select * from final
