{%- set least_visits = 20 -%}
{%- set most_states = 1000 -%}
with path_counts as (

    select * from {{ ref('int_path_counts') }}

),

direct_paths as (

    select path_number from {{ ref('int_path_channels') }}
    where is_direct_only

),

path_steps as (

    select path_steps.*
    from {{ ref('int_path_steps') }} as path_steps
    left join direct_paths
        on path_steps.path_number = direct_paths.path_number
    where direct_paths.path_number is null

),

journeys_by_path as (

    select
        path_number,
        sum(journey_count) as journey_count
    from path_counts
    group by path_number

),

asked_orders as (

    select max(markov_order) as highest_order from {{ ref('measured_attribution_models') }}

),

-- Few, however many steps there are: at most as many as four channels can follow each other.
histories as (

    select
        path_steps.to_channels as last_channels,
        sum(journeys_by_path.journey_count) as visit_count
    from journeys_by_path
    inner join path_steps
        on journeys_by_path.path_number = path_steps.path_number
    group by path_steps.to_channels

),

visits as (

    {%- for order in [2, 3, 4] %}
    select
        last_channels % {{ 1000 ** order }} as state,
        {{ order }} as state_length,
        sum(visit_count) as visit_count
    from histories
    where last_channels >= {{ 1000 ** (order - 1) }}
    group by last_channels % {{ 1000 ** order }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

-- The ending of a state is visited at least as often and comes first, so whatever stands, its
-- endings and its beginnings stand too.
ranked_states as (

    select
        visits.state,
        visits.state_length,
        row_number() over (
            order by
                visits.visit_count desc nulls last,
                visits.state_length asc nulls last,
                visits.state asc nulls last
        ) as state_rank
    from visits
    cross join asked_orders
    where
        visits.visit_count >= {{ least_visits }}
        and visits.state_length <= asked_orders.highest_order

),

states as (

    select * from ranked_states
    where state_rank <= {{ most_states }}

),

-- The longest ending that stands; 0 before the first touch and after the last.
states_of_histories as (

    select
        histories.last_channels,
        coalesce(
            states_of_4.state, states_of_3.state, states_of_2.state, histories.last_channels % 1000
        ) as state
    from histories
    left join states as states_of_2
        on
            histories.last_channels % 1000000 = states_of_2.state
            and states_of_2.state_length = 2
    left join states as states_of_3
        on
            histories.last_channels % 1000000000 = states_of_3.state
            and states_of_3.state_length = 3
    left join states as states_of_4
        on
            histories.last_channels % 1000000000000 = states_of_4.state
            and states_of_4.state_length = 4

    union all

    select
        0 as last_channels,
        0 as state

),

steps_and_ends as (

    select
        path_number,
        from_channels,
        to_channels
    from path_steps

    union all

    select
        path_number,
        to_channels as from_channels,
        0 as to_channels
    from path_steps
    where is_last_step

),

steps_with_states as (

    select
        steps_and_ends.path_number,
        steps_and_ends.from_channels % 1000 as from_channel,
        steps_and_ends.to_channels % 1000 as to_channel,
        from_states.state as from_state,
        to_states.state as to_state
    from steps_and_ends
    inner join states_of_histories as from_states
        on steps_and_ends.from_channels = from_states.last_channels
    inner join states_of_histories as to_states
        on steps_and_ends.to_channels = to_states.last_channels

),

-- Groups of people times states times months would grow without bound: each reading leaves one
-- of the three out.
readings as (

    select
        path_counts.kind_number,
        path_counts.person_group,
        steps_with_states.from_channel,
        steps_with_states.to_channel,
        steps_with_states.from_state,
        steps_with_states.to_state,
        sum(path_counts.journey_count) as step_count,
        sum(case when steps_with_states.to_state = 0 then path_counts.value_amount else 0 end)
            as value_amount,
        path_counts.month_date
    from steps_with_states
    inner join path_counts
        on steps_with_states.path_number = path_counts.path_number
    -- sqlfluff reads no grouping sets.
    group by grouping sets ( -- noqa: PRS, RF02
        (
            path_counts.kind_number,
            path_counts.person_group,
            steps_with_states.from_channel,
            steps_with_states.to_channel,
            path_counts.month_date
        ),
        (
            path_counts.kind_number,
            steps_with_states.from_state,
            steps_with_states.to_state,
            path_counts.month_date
        ),
        (
            path_counts.kind_number,
            path_counts.person_group,
            steps_with_states.from_state,
            steps_with_states.to_state
        )
    )

),

final as (

    select
        kind_number,
        person_group,
        cast(coalesce(from_state, from_channel) as bigint) as from_state,
        cast(coalesce(to_state, to_channel) as bigint) as to_state,
        cast(step_count as bigint) as step_count,
        cast(value_amount as decimal(18, 2)) as value_amount,
        month_date
    from readings

)

select * from final
