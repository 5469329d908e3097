{#- A length written as `h:mm:ss`, `m:ss` or plain seconds, in seconds: 0:13:29 is 809. Null where it is none. -#}
{% macro duration_seconds(expression) %}
    {%- set text = "trim(" ~ expression ~ ")" -%}
    {%- set pattern = '^(([0-9]+):)?([0-9]+):([0-9][0-9])$' -%}
    coalesce(
        {{ try_number(expression) }},
        3600 * coalesce(cast({{ regexp_group(text, pattern, 2) }} as double), 0)
        + 60 * cast({{ regexp_group(text, pattern, 3) }} as double)
        + cast({{ regexp_group(text, pattern, 4) }} as double)
    )
{%- endmacro %}
