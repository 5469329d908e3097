{#- dbt's own hook: the rows that a unit test gives, as SQL. dbt writes a select a row and joins them with union all. Spark
    then starts a task for every row, each time that the model names the input; rows of `values` are one local table. -#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {{- return(adapter.dispatch('get_fixture_sql', 'balcony')(rows, column_name_to_data_types)) -}}
{% endmacro %}

{% macro default__get_fixture_sql(rows, column_name_to_data_types) %}
    {{- dbt.get_fixture_sql(rows, column_name_to_data_types) -}}
{% endmacro %}

{% macro spark__get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set types = dict(column_name_to_data_types or {}) -%}
    {%- if not types -%}
        {%- for column in adapter.get_columns_in_relation(this) -%}
            {%- do types.update({column.name | lower: column.data_type}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if rows and types -%}
        {{- rows_of_values(rows, types, types.keys() | list) -}}
    {%- else -%}
        {{- dbt.get_fixture_sql(rows, column_name_to_data_types) -}}
    {%- endif -%}
{% endmacro %}
