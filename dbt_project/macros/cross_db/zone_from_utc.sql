{#- The wall time in a named zone of a UTC instant; both are timestamps without a zone.
    On both engines:
    `zone_from_utc("timestamp '2024-07-01 10:00:00'", 'Europe/Berlin')` is `2024-07-01 12:00:00`. -#}
{% macro zone_from_utc(expression, zone) %}{{ return(adapter.dispatch('zone_from_utc', 'balcony')(expression, zone)) }}{% endmacro %}

{% macro default__zone_from_utc(expression, zone) %}timezone('{{ zone }}', timezone('UTC', {{ expression }})){% endmacro %}

{% macro spark__zone_from_utc(expression, zone) %}convert_timezone('UTC', '{{ zone }}', {{ expression }}){% endmacro %}
