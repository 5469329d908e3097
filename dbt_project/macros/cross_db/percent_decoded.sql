{#- A URL component with its %XX sequences decoded as UTF-8 and `+` read as a blank. -#}
{% macro percent_decoded(expression) %}{{ return(adapter.dispatch('percent_decoded', 'balcony')(expression)) }}{% endmacro %}

{% macro default__percent_decoded(expression) %}url_decode(replace({{ expression }}, '+', ' ')){% endmacro %}

{#- Spark's url_decode raises on a malformed sequence; the try form gives null, DuckDB leaves it as it stands. -#}
{% macro spark__percent_decoded(expression) %}
    {{- "coalesce(try_url_decode(" ~ expression ~ "), " ~ expression ~ ")" -}}
{% endmacro %}
