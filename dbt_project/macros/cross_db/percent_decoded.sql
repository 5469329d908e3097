{#- A URL component with its %XX sequences decoded as UTF-8 and `+` read as a blank. -#}
{% macro percent_decoded(expression) %}{{ return(adapter.dispatch('percent_decoded', 'balcony')(expression)) }}{% endmacro %}

{#- Both engines raise on bytes that are no UTF-8, such as %E9: the text then stays as it stands. -#}
{% macro default__percent_decoded(expression) %}
    {{- "coalesce(try(url_decode(replace(" ~ expression ~ ", '+', ' '))), " ~ expression ~ ")" -}}
{% endmacro %}

{% macro spark__percent_decoded(expression) %}
    {{- "coalesce(try_url_decode(" ~ expression ~ "), " ~ expression ~ ")" -}}
{% endmacro %}
