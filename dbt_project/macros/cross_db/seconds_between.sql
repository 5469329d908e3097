{#- Seconds from one timestamp to another, as a bigint that ignores fractions of a second. -#}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between', 'balcony')(earlier, later)) }}{% endmacro %}

{% macro default__seconds_between(earlier, later) %}date_diff('second', {{ earlier }}, {{ later }}){% endmacro %}

{% macro spark__seconds_between(earlier, later) %}timestampdiff(second, {{ earlier }}, {{ later }}){% endmacro %}
