{{ config(materialized='replaced') }}
{#- Connected components by a fixed number of rounds: in each, an identifier takes the smallest
    label among its neighbours. Spark accepts no recursive CTE with a deduplicating union, and a
    recursion costs the square of a component; a round costs one join over the links. A chain of
    more links than rounds leaves a null person_key. -#}
{%- set rounds = var('identity_rounds', 32) -%}

with identifiers as (

    select * from {{ ref('int_identifiers') }}
    where {{ within('identifier', 'identifier_key') }}

),

identity_links as (

    select * from {{ ref('int_identity_links') }}
    where {{ within('identifier', 'identifier_key') }}

),

links_both_ways as (

    select
        identifier_key,
        other_identifier_key as neighbour_key,
        linked_at
    from identity_links

    union all

    select
        identity_links.other_identifier_key as identifier_key,
        identity_links.identifier_key as neighbour_key,
        identity_links.linked_at
    from identity_links

),

first_links as (

    select
        identifier_key,
        min(linked_at) as first_linked_at
    from links_both_ways
    group by identifier_key

),

-- Numbers in the order of the keys: the rounds join three times as fast on them.
linked_identifiers as (

    select
        identifier_key,
        first_linked_at,
        row_number() over (order by identifier_key asc nulls last) as identifier_number
    from first_links

),

neighbourhoods as (

    select
        linked_identifiers.identifier_number,
        neighbours.identifier_number as neighbour_number
    from links_both_ways
    inner join linked_identifiers
        on links_both_ways.identifier_key = linked_identifiers.identifier_key
    inner join linked_identifiers as neighbours
        on links_both_ways.neighbour_key = neighbours.identifier_key

    union

    select
        identifier_number,
        linked_identifiers.identifier_number as neighbour_number
    from linked_identifiers

),

labels_after_round_1 as (

    select
        identifier_number,
        min(neighbour_number) as label_number
    from neighbourhoods
    group by identifier_number

),

{% for round in range(2, rounds + 1) %}
labels_after_round_{{ round }} as (

    select
        neighbourhoods.identifier_number,
        min(earlier_labels.label_number) as label_number
    from neighbourhoods
    inner join labels_after_round_{{ round - 1 }} as earlier_labels
        on neighbourhoods.neighbour_number = earlier_labels.identifier_number
    group by neighbourhoods.identifier_number

),
{% endfor %}
-- A neighbour with another label means that the rounds did not suffice.
settled_labels as (

    select
        neighbourhoods.identifier_number,
        min(labels.label_number) as label_number
    from neighbourhoods
    inner join labels_after_round_{{ rounds }} as labels
        on neighbourhoods.neighbour_number = labels.identifier_number
    group by neighbourhoods.identifier_number
    having min(labels.label_number) = max(labels.label_number)

),

people_of_linked_identifiers as (

    select
        linked_identifiers.identifier_key,
        linked_identifiers.first_linked_at,
        smallest_identifiers.identifier_key as person_key
    from linked_identifiers
    left join settled_labels
        on linked_identifiers.identifier_number = settled_labels.identifier_number
    left join linked_identifiers as smallest_identifiers
        on settled_labels.label_number = smallest_identifiers.identifier_number

),

final as (

    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        case
            when people_of_linked_identifiers.identifier_key is null then identifiers.identifier_key
            else people_of_linked_identifiers.person_key
        end as person_key,
        coalesce(people_of_linked_identifiers.first_linked_at, identifiers.first_seen_at)
            as person_since_at
    from identifiers
    left join people_of_linked_identifiers
        on identifiers.identifier_key = people_of_linked_identifiers.identifier_key

)

select * from final
