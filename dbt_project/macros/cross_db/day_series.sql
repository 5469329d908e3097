{#- A relation with one column, date_day: every day from one date expression to another, both included. -#}
{% macro day_series(first_day, last_day) %}{{ return(adapter.dispatch('day_series', 'balcony')(first_day, last_day)) }}{% endmacro %}

{% macro default__day_series(first_day, last_day) %}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
{% endmacro %}

{% macro spark__day_series(first_day, last_day) %}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day
{% endmacro %}
