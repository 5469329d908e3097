{#- Whether a regular expression matches anywhere in a text; null stays null.
    On both engines:
    `regexp_matches_text("'Order #12'", '#\\d+$')` is `true`.
    `regexp_matches_text('cast(null as varchar(9))', '^a')` is `null`. -#}
{% macro regexp_matches_text(expression, pattern) %}
    {{- return(adapter.dispatch('regexp_matches_text', 'balcony')(expression, pattern)) -}}
{% endmacro %}

{% macro default__regexp_matches_text(expression, pattern) %}regexp_matches({{ expression }}, '{{ pattern }}'){% endmacro %}

{% macro spark__regexp_matches_text(expression, pattern) %}{{ expression }} rlike r'{{ pattern }}'{% endmacro %}
