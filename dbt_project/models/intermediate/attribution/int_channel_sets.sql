{%- set most_channels = 12 -%}
with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

first_visits as (

    select * from {{ ref('int_path_steps') }}
    where channel_position is not null and not is_direct_only

),

channel_journeys as (

    select
        path_counts.path_configuration_id,
        path_counts.conversion_kind,
        first_visits.channel_id,
        sum(path_counts.converted_count + path_counts.not_converted_count) as journey_count
    from path_counts
    inner join first_visits
        on path_counts.journey_path = first_visits.journey_path
    group by
        path_counts.path_configuration_id, path_counts.conversion_kind, first_visits.channel_id

),

ranked_channels as (

    select
        path_configuration_id,
        conversion_kind,
        channel_id,
        row_number() over (
            partition by path_configuration_id, conversion_kind
            order by journey_count desc nulls last, channel_id asc nulls last
        ) as channel_rank,
        count(*) over (partition by path_configuration_id, conversion_kind) as channel_count
    from channel_journeys

),

-- The channels of most journeys stand for themselves, the others together for one.
players as (

    select
        path_configuration_id,
        conversion_kind,
        channel_id,
        case
            when channel_count > {{ most_channels }} and channel_rank >= {{ most_channels }}
                then '(other)'
            else channel_id
        end as player
    from ranked_channels

),

players_of_paths as (

    select distinct
        players.path_configuration_id,
        players.conversion_kind,
        first_visits.journey_path,
        players.player
    from first_visits
    inner join players
        on first_visits.channel_id = players.channel_id

),

sets_of_paths as (

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        {{ joined_in_order('player', ' > ', 'player') }} as channel_set
    from players_of_paths
    group by path_configuration_id, conversion_kind, journey_path

),

counted_sets as (

    select
        path_counts.path_configuration_id,
        path_counts.conversion_kind,
        sets_of_paths.channel_set,
        path_counts.person_group,
        path_counts.converted_count,
        path_counts.not_converted_count,
        path_counts.month_date
    from path_counts
    inner join sets_of_paths
        on
            path_counts.path_configuration_id = sets_of_paths.path_configuration_id
            and path_counts.conversion_kind = sets_of_paths.conversion_kind
            and path_counts.journey_path = sets_of_paths.journey_path

),

readings as (

    select
        path_configuration_id,
        conversion_kind,
        channel_set,
        cast(null as string) as person_group,
        sum(converted_count) as converted_count,
        sum(not_converted_count) as not_converted_count,
        month_date
    from counted_sets
    group by path_configuration_id, conversion_kind, channel_set, month_date

    union all

    select
        path_configuration_id,
        conversion_kind,
        channel_set,
        person_group,
        sum(converted_count) as converted_count,
        sum(not_converted_count) as not_converted_count,
        cast(null as date) as month_date
    from counted_sets
    group by path_configuration_id, conversion_kind, channel_set, person_group

),

final as (

    select
        path_configuration_id,
        conversion_kind,
        channel_set,
        person_group,
        cast(converted_count as bigint) as converted_count,
        cast(not_converted_count as bigint) as not_converted_count,
        month_date
    from readings

)

select * from final
