{#- The CTE `list_accounts`: whose list of subscribers each load is. No list names its audience, but subscriptions do:
    two lists with one subscription in common are of one audience, and so are lists joined by others. The audience with
    the earliest list is `newsletter`, the next `newsletter 2`. Needs the CTEs `lists` (load_id, listed_at, file_sha256)
    and `listings` (load_id, subscription_id). A list reaches the first list that shows one of its subscriptions in one
    round, so eight rounds span eight lifetimes of a subscription; lists further apart count as two audiences, of which
    neither ends the other's subscriptions. -#}
{% macro newsletter_accounts(rounds=8) -%}
lists_in_order as (

    select
        load_id,
        row_number() over (order by listed_at asc nulls last, file_sha256 asc nulls last)
            as list_number
    from lists

),

first_lists_of_subscriptions as (

    select
        lists_in_order.list_number,
        min(lists_in_order.list_number) over (partition by listings.subscription_id)
            as first_list_number
    from listings
    inner join lists_in_order on listings.load_id = lists_in_order.load_id

),

list_neighbours as (

    select
        list_number,
        first_list_number as neighbour_number
    from first_lists_of_subscriptions

    union distinct

    select
        first_lists_of_subscriptions.first_list_number as list_number,
        first_lists_of_subscriptions.list_number as neighbour_number
    from first_lists_of_subscriptions

    union distinct

    select
        list_number,
        list_number as neighbour_number
    from lists_in_order

),

labels_after_round_0 as (

    select
        list_number,
        list_number as label_number
    from lists_in_order

),

{% for round in range(1, rounds + 1) %}
labels_after_round_{{ round }} as (

    select
        list_neighbours.list_number,
        min(earlier_labels.label_number) as label_number
    from list_neighbours
    inner join labels_after_round_{{ round - 1 }} as earlier_labels
        on list_neighbours.neighbour_number = earlier_labels.list_number
    group by list_neighbours.list_number

),
{% endfor %}
numbered_accounts as (

    select
        list_number,
        dense_rank() over (order by label_number asc nulls last) as account_number
    from labels_after_round_{{ rounds }}

),

list_accounts as (

    select
        lists_in_order.load_id,
        case
            when numbered_accounts.account_number = 1 then 'newsletter'
            else concat('newsletter ', cast(numbered_accounts.account_number as {{ dbt.type_string() }}))
        end as account_id
    from lists_in_order
    inner join numbered_accounts on lists_in_order.list_number = numbered_accounts.list_number

)
{%- endmacro %}
