{#- A text with every match of a regular expression replaced by another text.
    On both engines:
    `regexp_replaced("'1 299 00'", '\\s', '')` is `129900`. -#}
{% macro regexp_replaced(expression, pattern, replacement) %}
    {{- return(adapter.dispatch('regexp_replaced', 'balcony')(expression, pattern, replacement)) -}}
{% endmacro %}

{% macro default__regexp_replaced(expression, pattern, replacement) %}
    {{- "regexp_replace(" ~ expression ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 'g')" -}}
{% endmacro %}

{% macro spark__regexp_replaced(expression, pattern, replacement) %}
    {{- "regexp_replace(" ~ expression ~ ", r'" ~ pattern ~ "', '" ~ replacement ~ "')" -}}
{% endmacro %}
