{#- dbt's own hook: the rows that a unit test expects, as SQL; see get_fixture_sql. -#}
{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) %}
    {{- return(
        adapter.dispatch('get_expected_sql', 'balcony')(rows, column_name_to_data_types, column_name_to_quoted)
    ) -}}
{% endmacro %}

{% macro default__get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) %}
    {{- dbt.get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -}}
{% endmacro %}

{% macro spark__get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) %}
    {%- if rows -%}
        {{- rows_of_values(rows, column_name_to_data_types, rows[0].keys() | map('lower') | list) -}}
    {%- else -%}
        {{- dbt.get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -}}
    {%- endif -%}
{% endmacro %}
