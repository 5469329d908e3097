{#- 2 to a double power, as a double. -#}
{% macro power_of_two(exponent) %}power(cast(2 as double), cast({{ exponent }} as double)){% endmacro %}
