{#- The calendar month of a date as text: 2025-03. -#}
{% macro month_of(expression) %}substring(cast({{ expression }} as {{ dbt.type_string() }}), 1, 7){% endmacro %}
