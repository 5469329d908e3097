{#- The text that one group of a regular expression matched, null where it does not match.
    On both engines:
    `regexp_group("'utm_source=mail&x=1'", '(^|&)utm_source=([^&]*)', 2)` is `mail`.
    `regexp_group("'x.y'", '^(\\d+)$')` is `null`. -#}
{% macro regexp_group(expression, pattern, group=1) %}
    {{- return(adapter.dispatch('regexp_group', 'balcony')(expression, pattern, group)) -}}
{% endmacro %}

{% macro default__regexp_group(expression, pattern, group) %}
    {{- "nullif(regexp_extract(" ~ expression ~ ", '" ~ pattern ~ "', " ~ group ~ "), '')" -}}
{% endmacro %}

{#- Spark reads backslashes in a plain literal as escapes, DuckDB does not: r'' is a raw literal. -#}
{% macro spark__regexp_group(expression, pattern, group) %}
    {{- "nullif(regexp_extract(" ~ expression ~ ", r'" ~ pattern ~ "', " ~ group ~ "), '')" -}}
{% endmacro %}
