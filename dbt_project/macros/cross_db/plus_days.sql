{#- A timestamp moved by a number of days, which may be a column or negative.
    On both engines:
    `plus_days("timestamp '2024-02-28 12:00:00'", 2)` is `2024-03-01 12:00:00`.
    `plus_days("timestamp '2024-03-01 12:00:00'", -1)` is `2024-02-29 12:00:00`. -#}
{% macro plus_days(expression, days) %}{{ return(adapter.dispatch('plus_days', 'balcony')(expression, days)) }}{% endmacro %}

{% macro default__plus_days(expression, days) %}({{ expression }} + to_days(cast({{ days }} as integer))){% endmacro %}

{% macro spark__plus_days(expression, days) %}({{ expression }} + make_dt_interval(cast({{ days }} as int))){% endmacro %}
