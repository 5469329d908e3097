{#- Seconds from one timestamp to another, as a bigint: fractions of a second are cut off first.
    On both engines:
    `seconds_between("timestamp '2024-06-01 00:00:00'", "timestamp '2024-06-02 00:00:01'")` is `86401`.
    `seconds_between("timestamp '2024-06-01 00:00:00.900'", "timestamp '2024-06-01 00:00:01.100'")` is `1`. -#}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between', 'balcony')(earlier, later)) }}{% endmacro %}

{% macro default__seconds_between(earlier, later) %}date_diff('second', {{ earlier }}, {{ later }}){% endmacro %}

{% macro spark__seconds_between(earlier, later) %}timestampdiff(second, date_trunc('second', {{ earlier }}), date_trunc('second', {{ later }})){% endmacro %}
