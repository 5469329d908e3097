{#- Where a buyer is, coarse enough for an experiment by region: `US-CA`, or `DE` where no province is given. -#}
{% macro region_code(country, province) %}
upper(
    nullif(trim({{ country }}), '')
    || coalesce('-' || nullif(trim({{ province }}), ''), '')
)
{%- endmacro %}
