{#- The item of a list at a place from 1 on, null before the first and after the last.
    On both engines:
    `list_item("split('a,b', ',')", '2')` is `b`.
    `list_item("split('a,b', ',')", '1 - 1')` is `null`.
    `list_item("split('a,b', ',')", '1 - 2')` is `null`.
    `list_item("split('a,b', ',')", '3')` is `null`. -#}
{% macro list_item(list, place) %}{{ return(adapter.dispatch('list_item', 'balcony')(list, place)) }}{% endmacro %}

{#- DuckDB counts places below 0 from the end. -#}
{% macro default__list_item(list, place) %}case when {{ place }} > 0 then ({{ list }})[{{ place }}] end{% endmacro %}

{% macro spark__list_item(list, place) %}get({{ list }}, cast({{ place }} - 1 as int)){% endmacro %}
