{#- Whether a regular expression matches anywhere in a text; null stays null. -#}
{% macro regexp_matches_text(expression, pattern) %}
    {{- return(adapter.dispatch('regexp_matches_text', 'balcony')(expression, pattern)) -}}
{% endmacro %}

{% macro default__regexp_matches_text(expression, pattern) %}regexp_matches({{ expression }}, '{{ pattern }}'){% endmacro %}

{% macro spark__regexp_matches_text(expression, pattern) %}{{ expression }} rlike r'{{ pattern }}'{% endmacro %}
