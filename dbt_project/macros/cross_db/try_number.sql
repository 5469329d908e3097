{#- A text as a double, with commas between thousands taken out; null where it is not one. The gate is a pattern because
    the engines' own casts disagree on texts such as `1d`, `1_000`, `nan` and `inf`.
    On both engines:
    `try_number("'1,299.5'")` is `1299.5`.
    `try_number("'1d'")` is `null`.
    `try_number("'nan'")` is `null`. -#}
{% macro try_number(expression) %}
    {%- set text = "trim(" ~ expression ~ ")" -%}
    {%- set number = '^[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?$' -%}
    case when {{ regexp_matches_text(text, number) }} then cast(replace({{ text }}, ',', '') as double) end
{%- endmacro %}
