{#- The items of a list from one place to another, both counted from 1 on and within it; none where the other is the one before.
    On both engines:
    `list_item(list_between("split('a,b,c', ',')", 2, 3), '1')` is `b`.
    `list_length(list_between("split('a,b,c', ',')", 2, 3))` is `2`.
    `list_length(list_between("split('a,b,c', ',')", 4, 3))` is `0`. -#}
{% macro list_between(list, first, last) %}{{ return(adapter.dispatch('list_between', 'balcony')(list, first, last)) }}{% endmacro %}

{% macro default__list_between(list, first, last) %}({{ list }})[{{ first }}:{{ last }}]{% endmacro %}

{% macro spark__list_between(list, first, last) %}
    {{- "slice(" ~ list ~ ", cast(" ~ first ~ " as int), cast(" ~ last ~ " - (" ~ first ~ ") + 1 as int))" -}}
{% endmacro %}
