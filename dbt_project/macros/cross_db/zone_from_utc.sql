{#- The wall time in a named zone of a UTC instant; both are timestamps without a zone. -#}
{% macro zone_from_utc(expression, zone) %}{{ return(adapter.dispatch('zone_from_utc', 'balcony')(expression, zone)) }}{% endmacro %}

{% macro default__zone_from_utc(expression, zone) %}timezone('{{ zone }}', timezone('UTC', {{ expression }})){% endmacro %}

{% macro spark__zone_from_utc(expression, zone) %}convert_timezone('UTC', '{{ zone }}', {{ expression }}){% endmacro %}
