{#- A raw column's text as the calendar date that stands there, by the formats that its source file declares. For days
    that an export counts in a zone of its own: they cannot be moved into another zone. -#}
{% macro written_date(source_name, table_name, column_name) %}
    {%- if not execute -%}{{ return("cast(null as date)") }}{%- endif -%}
    {#- As in utc_time: dbt gives unit tests no graph. -#}
    {%- if graph.sources is not defined -%}{{ return("cast(" ~ column_name ~ " as date)") }}{%- endif -%}
    {%- set table = (
        graph.sources.values()
        | selectattr('source_name', 'equalto', source_name) | selectattr('name', 'equalto', table_name) | first
    ) -%}
    {%- set walls = [] -%}
    {%- for format in table.columns[column_name].config.meta.time_formats -%}
        {%- do walls.append(parsed_time("trim(" ~ column_name ~ ")", format) | trim) -%}
    {%- endfor -%}
    cast({{ walls[0] if walls | length == 1 else 'coalesce(' ~ walls | join(', ') ~ ')' }} as date)
{%- endmacro %}
