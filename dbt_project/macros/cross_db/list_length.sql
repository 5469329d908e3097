{#- How many items a list has.
    On both engines:
    `list_length("split('a,,', ',')")` is `3`. -#}
{% macro list_length(list) %}{{ return(adapter.dispatch('list_length', 'balcony')(list)) }}{% endmacro %}

{% macro default__list_length(list) %}len({{ list }}){% endmacro %}

{% macro spark__list_length(list) %}size({{ list }}){% endmacro %}
