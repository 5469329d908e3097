{#- Rows of a unit test as a select from `values`, with the types of their columns; what a row leaves out is null. On Spark
    only. -#}
{% macro rows_of_values(rows, types, columns) %}
    select * from values
    {%- for row in rows %}
        {%- set cells = format_row(row, types) %}
        (
        {%- for column in columns -%}
            {{ cells.get(column, 'cast(null as ' ~ types[column] ~ ')') }}{{ ', ' if not loop.last }}
        {%- endfor -%}
        ){{ ',' if not loop.last }}
    {%- endfor %}
    as given_rows ({% for column in columns %}`{{ column }}`{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
