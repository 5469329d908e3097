{#- The distinct items of a list, each where it first stands.
    On both engines:
    `list_item(list_distinct_items("split('c,a,c,b,a', ',')"), '1')` is `c`.
    `list_item(list_distinct_items("split('c,a,c,b,a', ',')"), '3')` is `b`.
    `list_length(list_distinct_items("split('c,a,c,b,a', ',')"))` is `3`. -#}
{% macro list_distinct_items(list) %}{{ return(adapter.dispatch('list_distinct_items', 'balcony')(list)) }}{% endmacro %}

{#- DuckDB's list_distinct keeps no order. -#}
{% macro default__list_distinct_items(list) %}
    {{- "list_filter(" ~ list ~ ", lambda item, place: list_position(" ~ list ~ ", item) = place)" -}}
{% endmacro %}

{% macro spark__list_distinct_items(list) %}array_distinct({{ list }}){% endmacro %}
