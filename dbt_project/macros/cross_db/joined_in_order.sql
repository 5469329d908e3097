{#- An aggregate: the texts of a group joined by a separator, in ascending order of a column that is never null.
    On both engines:
    `(select {{ joined_in_order('word', ' > ', 'place') }} from (values ('b', 2), ('a', 1), ('a', 3)) as words (word, place))` is `a > b > a`. -#}
{% macro joined_in_order(expression, separator, position) %}
    {{- return(adapter.dispatch('joined_in_order', 'balcony')(expression, separator, position)) -}}
{% endmacro %}

{% macro default__joined_in_order(expression, separator, position) %}
    {{- "string_agg(" ~ expression ~ ", '" ~ separator ~ "' order by " ~ position ~ ")" -}}
{% endmacro %}

{% macro spark__joined_in_order(expression, separator, position) %}
    {{- "listagg(" ~ expression ~ ", '" ~ separator ~ "') within group (order by " ~ position ~ ")" -}}
{% endmacro %}
