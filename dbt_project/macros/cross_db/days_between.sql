{#- Whole days from one date to another, as a bigint: days_between(2024-06-01, 2024-06-03) is 2.
    On both engines:
    `days_between("date '2024-06-01'", "date '2024-06-03'")` is `2`.
    `days_between("date '2024-06-03'", "date '2024-06-01'")` is `-2`. -#}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'balcony')(earlier, later)) }}{% endmacro %}

{% macro default__days_between(earlier, later) %}date_diff('day', {{ earlier }}, {{ later }}){% endmacro %}

{% macro spark__days_between(earlier, later) %}cast(datediff({{ later }}, {{ earlier }}) as bigint){% endmacro %}
