{#- A URL component with its %XX sequences decoded as UTF-8 and `+` read as a blank.
    On both engines:
    `percent_decoded("'caf%C3%A9+au+lait'")` is `café au lait`.
    `percent_decoded("'caf%E9'")` is `caf%E9`. -#}
{% macro percent_decoded(expression) %}{{ return(adapter.dispatch('percent_decoded', 'balcony')(expression)) }}{% endmacro %}

{#- Bytes that are no UTF-8, such as %E9: the text then stays as it stands. DuckDB raises on them, Spark puts U+FFFD. -#}
{% macro default__percent_decoded(expression) %}
    {{- "coalesce(try(url_decode(replace(" ~ expression ~ ", '+', ' '))), " ~ expression ~ ")" -}}
{% endmacro %}

{% macro spark__percent_decoded(expression) %}
    {%- set decoded = "try_url_decode(" ~ expression ~ ")" -%}
    case when instr({{ decoded }}, '\uFFFD') = 0 then {{ decoded }} else {{ expression }} end
{%- endmacro %}
