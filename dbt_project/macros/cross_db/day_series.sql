{#- A relation with one column, date_day: every day from one date expression to another, both included.
    On both engines:
    `day_series("date '2024-02-28'", "date '2024-03-01'")` is `2024-02-28; 2024-02-29; 2024-03-01`. -#}
{% macro day_series(first_day, last_day) %}{{ return(adapter.dispatch('day_series', 'balcony')(first_day, last_day)) }}{% endmacro %}

{% macro default__day_series(first_day, last_day) %}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
{% endmacro %}

{% macro spark__day_series(first_day, last_day) %}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day
{% endmacro %}
