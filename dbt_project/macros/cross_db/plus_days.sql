{#- A timestamp moved by a number of days, which may be a column or negative. -#}
{% macro plus_days(expression, days) %}{{ return(adapter.dispatch('plus_days', 'balcony')(expression, days)) }}{% endmacro %}

{% macro default__plus_days(expression, days) %}({{ expression }} + to_days(cast({{ days }} as integer))){% endmacro %}

{% macro spark__plus_days(expression, days) %}({{ expression }} + make_dt_interval(cast({{ days }} as int))){% endmacro %}
