{#- The UTC instant of a wall time in a named zone; both are timestamps without a zone.
    On both engines:
    `utc_from_zone("timestamp '2024-07-01 12:00:00'", 'Europe/Berlin')` is `2024-07-01 10:00:00`.
    `utc_from_zone("timestamp '2024-03-31 02:30:00'", 'Europe/Berlin')` is `2024-03-31 01:30:00`.
    `utc_from_zone("timestamp '2024-10-27 02:30:00'", 'Europe/Berlin')` is `2024-10-27 01:30:00`. -#}
{% macro utc_from_zone(expression, zone) %}{{ return(adapter.dispatch('utc_from_zone', 'balcony')(expression, zone)) }}{% endmacro %}

{% macro default__utc_from_zone(expression, zone) %}timezone('UTC', timezone('{{ zone }}', {{ expression }})){% endmacro %}

{#- Where clocks are set back an hour comes twice. DuckDB takes its second coming, Spark its first: an hour later is the
    second, if that hour reads the same on the wall. -#}
{% macro spark__utc_from_zone(expression, zone) %}
    {%- set first = "convert_timezone('" ~ zone ~ "', 'UTC', " ~ expression ~ ")" -%}
    {%- set second = "(" ~ first ~ " + interval 1 hour)" -%}
    case when convert_timezone('UTC', '{{ zone }}', {{ second }}) = {{ expression }} then {{ second }} else {{ first }} end
{%- endmacro %}
