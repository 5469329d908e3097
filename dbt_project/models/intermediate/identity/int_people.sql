{#- Connected components by a fixed number of rounds: in each, an identifier takes the smallest
    key among its neighbours' labels. Spark accepts no recursive CTE with a deduplicating union,
    and a recursion costs the square of a component; a round costs one join over the links. A
    chain of more links than rounds leaves a null person_key. -#}
{%- set rounds = var('identity_rounds', 32) -%}

with identifiers as (

    select * from {{ ref('int_identifiers') }}

),

identity_links as (

    select * from {{ ref('int_identity_links') }}

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

neighbourhoods as (

    select
        identifier_key,
        neighbour_key
    from links_both_ways

    union

    select
        identifier_key,
        identifier_key as neighbour_key
    from links_both_ways

),

labels_after_round_1 as (

    select
        identifier_key,
        min(neighbour_key) as label_key
    from neighbourhoods
    group by identifier_key

),

{% for round in range(2, rounds + 1) %}
labels_after_round_{{ round }} as (

    select
        neighbourhoods.identifier_key,
        min(earlier_labels.label_key) as label_key
    from neighbourhoods
    inner join labels_after_round_{{ round - 1 }} as earlier_labels
        on neighbourhoods.neighbour_key = earlier_labels.identifier_key
    group by neighbourhoods.identifier_key

),
{% endfor %}
-- A neighbour with another label means that the rounds did not suffice.
labels_of_linked_identifiers as (

    select
        neighbourhoods.identifier_key,
        case when min(labels.label_key) = max(labels.label_key) then min(labels.label_key) end
            as label_key
    from neighbourhoods
    inner join labels_after_round_{{ rounds }} as labels
        on neighbourhoods.neighbour_key = labels.identifier_key
    group by neighbourhoods.identifier_key

),

first_links as (

    select
        identifier_key,
        min(linked_at) as first_linked_at
    from links_both_ways
    group by identifier_key

),

final as (

    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        identifiers.identifier_value,
        case
            when first_links.identifier_key is null then identifiers.identifier_key
            else labels_of_linked_identifiers.label_key
        end as person_key,
        coalesce(first_links.first_linked_at, identifiers.first_seen_at) as person_since_at
    from identifiers
    left join first_links
        on identifiers.identifier_key = first_links.identifier_key
    left join labels_of_linked_identifiers
        on identifiers.identifier_key = labels_of_linked_identifiers.identifier_key

)

select * from final
