{#- One of 128 groups of people by a hash of the key of each, for intervals: 0 to 127. -#}
{% macro person_group(key) %}
    {%- set hash = surrogate_key([key]) -%}
    {%- set digits = "'0123456789abcdef'" -%}
    cast(
        8 * (instr({{ digits }}, substring({{ hash }}, 1, 1)) - 1)
        + floor((instr({{ digits }}, substring({{ hash }}, 2, 1)) - 1) / 2)
        as integer
    )
{%- endmacro %}
