{#- The places from 1 on of a list that is not empty, of those where a condition on `place` holds.
    On both engines:
    `list_item(places_where("split('a,b,a', ',')", list_item("split('a,b,a', ',')", 'place') ~ " = 'a'"), '2')` is `3`.
    `list_length(places_where("split('a,b,a', ',')", 'place > 3'))` is `0`. -#}
{% macro places_where(list, condition) %}{{ return(adapter.dispatch('places_where', 'balcony')(list, condition)) }}{% endmacro %}

{% macro default__places_where(list, condition) %}
    {{- "list_filter(generate_series(1, len(" ~ list ~ ")), lambda place: " ~ condition ~ ")" -}}
{% endmacro %}

{% macro spark__places_where(list, condition) %}filter(sequence(1, size({{ list }})), place -> {{ condition }}){% endmacro %}
