{#- An aggregate: a list of the rows of a group, as structs of some columns, in ascending order of these.
    On both engines:
    `(select {{ list_texts(rows_in_order(['place', 'word']), 'word', ' > ') }} from (values ('b', 2), ('c', 1), ('a', 2)) as words (word, place))` is `c > a > b`. -#}
{% macro rows_in_order(columns) %}{{ return(adapter.dispatch('rows_in_order', 'balcony')(columns)) }}{% endmacro %}

{% macro default__rows_in_order(columns) %}
    {%- set fields = [] -%}
    {%- for column in columns %}{% do fields.append("'" ~ column ~ "': " ~ column) %}{% endfor -%}
    {{- "list_sort(list({" ~ fields | join(', ') ~ "}))" -}}
{% endmacro %}

{% macro spark__rows_in_order(columns) %}sort_array(collect_list(named_struct(
    {%- for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
))){% endmacro %}
