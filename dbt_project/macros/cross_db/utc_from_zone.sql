{#- The UTC instant of a wall time in a named zone; both are timestamps without a zone. -#}
{% macro utc_from_zone(expression, zone) %}{{ return(adapter.dispatch('utc_from_zone', 'balcony')(expression, zone)) }}{% endmacro %}

{% macro default__utc_from_zone(expression, zone) %}timezone('UTC', timezone('{{ zone }}', {{ expression }})){% endmacro %}

{% macro spark__utc_from_zone(expression, zone) %}convert_timezone('{{ zone }}', 'UTC', {{ expression }}){% endmacro %}
