{#- The calendar day, in the reporting zone, of a UTC timestamp. -#}
{% macro reporting_date(expression) %}
    {%- set zone = env_var('BALCONY_REPORTING_TIME_ZONE', 'UTC') -%}
    {{- "cast(" ~ (expression if zone == 'UTC' else zone_from_utc(expression, zone) | trim) ~ " as date)" -}}
{% endmacro %}
