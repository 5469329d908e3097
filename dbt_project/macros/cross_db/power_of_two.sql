{#- 2 to a double power, as a double.
    On both engines:
    `power_of_two('-2')` is `0.25`.
    `power_of_two('0.5')` is `1.4142135623730951`. -#}
{% macro power_of_two(exponent) %}power(cast(2 as double), cast({{ exponent }} as double)){% endmacro %}
