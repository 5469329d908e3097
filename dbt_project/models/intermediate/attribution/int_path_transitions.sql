{%- set least_visits = 20 -%}
{%- set most_states = 1000 -%}
with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

path_steps as (

    select * from {{ ref('int_path_steps') }}
    where not is_direct_only

),

journeys_by_path as (

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        sum(converted_count + not_converted_count) as journey_count
    from path_counts
    group by path_configuration_id, conversion_kind, journey_path

),

steps_by_kind as (

    select
        journeys_by_path.path_configuration_id,
        journeys_by_path.conversion_kind,
        path_steps.journey_path,
        path_steps.step_position,
        path_steps.channel_id,
        path_steps.last_2_channels,
        path_steps.last_3_channels,
        path_steps.last_4_channels,
        path_steps.is_last_step,
        journeys_by_path.journey_count
    from journeys_by_path
    inner join path_steps
        on journeys_by_path.journey_path = path_steps.journey_path

),

visits as (

    {%- for order in [2, 3, 4] %}
    select
        path_configuration_id,
        conversion_kind,
        last_{{ order }}_channels as state,
        {{ order }} as state_length,
        sum(journey_count) as visit_count
    from steps_by_kind
    where last_{{ order }}_channels is not null
    group by path_configuration_id, conversion_kind, last_{{ order }}_channels
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

-- The ending of a state is visited at least as often and comes first, so whatever stands, its
-- endings and its beginnings stand too.
ranked_states as (

    select
        *,
        row_number() over (
            partition by path_configuration_id, conversion_kind
            order by visit_count desc nulls last, state_length asc nulls last, state asc nulls last
        ) as state_rank
    from visits
    where visit_count >= {{ least_visits }}

),

states as (

    select * from ranked_states
    where state_rank <= {{ most_states }}

),

steps_with_state as (

    select
        steps_by_kind.*,
        coalesce(
            states_of_4.state, states_of_3.state, states_of_2.state, steps_by_kind.channel_id
        ) as state
    from steps_by_kind
    left join states as states_of_2
        on
            steps_by_kind.path_configuration_id = states_of_2.path_configuration_id
            and steps_by_kind.conversion_kind = states_of_2.conversion_kind
            and steps_by_kind.last_2_channels = states_of_2.state
    left join states as states_of_3
        on
            steps_by_kind.path_configuration_id = states_of_3.path_configuration_id
            and steps_by_kind.conversion_kind = states_of_3.conversion_kind
            and steps_by_kind.last_3_channels = states_of_3.state
    left join states as states_of_4
        on
            steps_by_kind.path_configuration_id = states_of_4.path_configuration_id
            and steps_by_kind.conversion_kind = states_of_4.conversion_kind
            and steps_by_kind.last_4_channels = states_of_4.state

),

steps_from_state as (

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        channel_id as to_channel,
        state as to_state,
        is_last_step,
        coalesce(
            lag(channel_id) over (
                partition by path_configuration_id, conversion_kind, journey_path
                order by step_position asc nulls last
            ),
            '(start)'
        ) as from_channel,
        coalesce(
            lag(state) over (
                partition by path_configuration_id, conversion_kind, journey_path
                order by step_position asc nulls last
            ),
            '(start)'
        ) as from_state
    from steps_with_state

),

steps_and_ends as (

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        from_channel,
        to_channel,
        from_state,
        to_state,
        false as is_end
    from steps_from_state

    union all

    select
        path_configuration_id,
        conversion_kind,
        journey_path,
        to_channel as from_channel,
        '(end)' as to_channel,
        to_state as from_state,
        '(end)' as to_state,
        true as is_end
    from steps_from_state
    where is_last_step

),

counted_steps as (

    select
        steps_and_ends.path_configuration_id,
        steps_and_ends.conversion_kind,
        path_counts.person_group,
        steps_and_ends.from_channel,
        steps_and_ends.to_channel,
        steps_and_ends.from_state,
        steps_and_ends.to_state,
        path_counts.converted_count + path_counts.not_converted_count as step_count,
        case when steps_and_ends.is_end then path_counts.converted_count else 0 end
            as converted_count,
        case when steps_and_ends.is_end then path_counts.value_amount else 0 end as value_amount,
        path_counts.month_date
    from steps_and_ends
    inner join path_counts
        on
            steps_and_ends.path_configuration_id = path_counts.path_configuration_id
            and steps_and_ends.conversion_kind = path_counts.conversion_kind
            and steps_and_ends.journey_path = path_counts.journey_path

),

-- Groups of people times states times months would grow without bound: each reading leaves one
-- of the three out.
readings as (

    select
        path_configuration_id,
        conversion_kind,
        'channels' as reading,
        person_group,
        from_channel as from_state,
        to_channel as to_state,
        sum(step_count) as step_count,
        sum(converted_count) as converted_count,
        sum(value_amount) as value_amount,
        month_date
    from counted_steps
    group by
        path_configuration_id, conversion_kind, person_group, from_channel, to_channel, month_date

    union all

    select
        path_configuration_id,
        conversion_kind,
        'states_by_month' as reading,
        cast(null as string) as person_group,
        from_state,
        to_state,
        sum(step_count) as step_count,
        sum(converted_count) as converted_count,
        sum(value_amount) as value_amount,
        month_date
    from counted_steps
    group by path_configuration_id, conversion_kind, from_state, to_state, month_date

    union all

    select
        path_configuration_id,
        conversion_kind,
        'states_by_group' as reading,
        person_group,
        from_state,
        to_state,
        sum(step_count) as step_count,
        sum(converted_count) as converted_count,
        sum(value_amount) as value_amount,
        cast(null as date) as month_date
    from counted_steps
    group by path_configuration_id, conversion_kind, person_group, from_state, to_state

),

final as (

    select
        path_configuration_id,
        conversion_kind,
        reading,
        person_group,
        from_state,
        to_state,
        cast(step_count as bigint) as step_count,
        cast(converted_count as bigint) as converted_count,
        cast(value_amount as decimal(18, 2)) as value_amount,
        month_date
    from readings

)

select * from final
