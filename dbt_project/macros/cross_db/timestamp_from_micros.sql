{#- The UTC timestamp, without a zone, of a count of microseconds since 1970, which may be text; null if it is no number. -#}
{% macro timestamp_from_micros(expression) %}{{ return(adapter.dispatch('timestamp_from_micros', 'balcony')(expression)) }}{% endmacro %}

{% macro default__timestamp_from_micros(expression) %}make_timestamp(try_cast({{ expression }} as bigint)){% endmacro %}

{#- The session's zone must be UTC: timestamp_micros is an instant, the cast shows it in that zone. -#}
{% macro spark__timestamp_from_micros(expression) %}
    {{- "cast(timestamp_micros(try_cast(" ~ expression ~ " as bigint)) as timestamp_ntz)" -}}
{% endmacro %}
