{#- dbt-duckdb asks this to learn whether a table must be replaced inside its transaction instead of built beside the old
    one and renamed. Both are atomic; renaming and dropping cost two to three statements a model, a fifth of dbt's time. -#}
{% macro has_foreign_key_constraints(relation) %}{{ return(true) }}{% endmacro %}
