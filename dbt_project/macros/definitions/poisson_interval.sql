{#- One end of the 95 % interval that a Poisson bootstrap over people gives to a sum: each person counts as often as a
    Poisson variable with mean 1 says. The variance of that sum over draws is the sum of squares over people, its third
    central moment the sum of cubes, so the ends follow (Cornish and Fisher 1937) without drawing.
    side: -1 below, 1 above. -#}
{% macro poisson_interval(total, squares, cubes, side) %}
    {%- set quantile = 1.959963984540054 -%}
    {{ total }}
    + ({{ side * quantile }}) * sqrt(cast({{ squares }} as double))
    + {{ (quantile * quantile - 1) / 6 }} * cast({{ cubes }} as double)
    / nullif(cast({{ squares }} as double), 0)
{%- endmacro %}
