{#- One of 128 groups of people by a hash of the key of each, for intervals: the odd numbers of two hexadecimal digits. -#}
{% macro person_group(key) %}
    {%- set hash = surrogate_key([key]) -%}
    concat(
        substring({{ hash }}, 1, 1),
        translate(substring({{ hash }}, 2, 1), '02468ace', '13579bdf')
    )
{%- endmacro %}
