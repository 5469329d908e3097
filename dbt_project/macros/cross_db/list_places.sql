{#- For each item of a list its place in another, whose items are distinct and hold it.
    On both engines:
    `list_item(list_places("split('c,a,c', ',')", "split('a,b,c', ',')"), '1')` is `3`.
    `list_item(list_places("split('c,a,c', ',')", "split('a,b,c', ',')"), '2')` is `1`.
    `list_length(list_places("split('c,a,c', ',')", "split('a,b,c', ',')"))` is `3`. -#}
{% macro list_places(list, places) %}{{ return(adapter.dispatch('list_places', 'balcony')(list, places)) }}{% endmacro %}

{% macro default__list_places(list, places) %}
    {{- "list_transform(" ~ list ~ ", lambda item: cast(list_position(" ~ places ~ ", item) as bigint))" -}}
{% endmacro %}

{% macro spark__list_places(list, places) %}transform({{ list }}, item -> array_position({{ places }}, item)){% endmacro %}
