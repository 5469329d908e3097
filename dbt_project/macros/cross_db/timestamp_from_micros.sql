{#- The UTC timestamp, without a zone, of a count of microseconds since 1970, which may be text; null if it is no number.
    On both engines:
    `timestamp_from_micros("'1711852200000001'")` is `2024-03-31 02:30:00.000001`.
    `timestamp_from_micros("'soon'")` is `null`. -#}
{% macro timestamp_from_micros(expression) %}{{ return(adapter.dispatch('timestamp_from_micros', 'balcony')(expression)) }}{% endmacro %}

{% macro default__timestamp_from_micros(expression) %}make_timestamp(try_cast({{ expression }} as bigint)){% endmacro %}

{#- The session's zone must be UTC: timestamp_micros is an instant, the cast shows it in that zone. -#}
{% macro spark__timestamp_from_micros(expression) %}
    {{- "cast(timestamp_micros(try_cast(" ~ expression ~ " as bigint)) as timestamp_ntz)" -}}
{% endmacro %}
