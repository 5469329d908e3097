{#- A written amount as decimal(18,2): '1,299.00' is 1299.00. Null where it is none; '12,50' is none, not 1250.
    On both engines:
    `try_decimal("' 1,299.00'")` is `1299.00`.
    `try_decimal("'12,50'")` is `null`. -#}
{% macro try_decimal(expression) %}
    {%- set text = "trim(" ~ expression ~ ")" -%}
    {%- set amount = '^[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?$' -%}
    case
        when {{ regexp_matches_text(text, amount) }}
            then try_cast(replace({{ text }}, ',', '') as decimal(18,2))
    end
{%- endmacro %}
