{#- An aggregate: the texts of a group joined by a separator, in ascending order of a column that is never null. -#}
{% macro joined_in_order(expression, separator, position) %}
    {{- return(adapter.dispatch('joined_in_order', 'balcony')(expression, separator, position)) -}}
{% endmacro %}

{% macro default__joined_in_order(expression, separator, position) %}
    {{- "string_agg(" ~ expression ~ ", '" ~ separator ~ "' order by " ~ position ~ ")" -}}
{% endmacro %}

{% macro spark__joined_in_order(expression, separator, position) %}
    {{- "listagg(" ~ expression ~ ", '" ~ separator ~ "') within group (order by " ~ position ~ ")" -}}
{% endmacro %}
