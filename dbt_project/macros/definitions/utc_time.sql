{#- A raw column's text as a UTC timestamp, by the formats and the zone that its source file declares. -#}
{% macro utc_time(source_name, table_name, column_name, qualifier=none) %}
    {%- set text = "trim(" ~ (qualifier ~ '.' if qualifier else '') ~ column_name ~ ")" -%}
    {%- if not execute -%}{{ return("cast(null as timestamp)") }}{%- endif -%}
    {#- dbt gives unit tests no graph: their rows write times as ISO text, in UTC. -#}
    {%- if graph.sources is not defined -%}{{ return("cast(nullif(" ~ text ~ ", '') as timestamp)") }}{%- endif -%}
    {%- set table = (
        graph.sources.values()
        | selectattr('source_name', 'equalto', source_name) | selectattr('name', 'equalto', table_name) | first
    ) -%}
    {%- set column = table.columns[column_name] -%}
    {%- set formats = column.config.meta.time_formats if column.config else column.meta.time_formats -%}
    {%- set zone = table.config.meta.landing.time_zone -%}
    {%- set parsed = [] -%}
    {%- for format in formats -%}
        {%- set wall = parsed_time(text, format) | trim -%}
        {%- if '%z' in format or zone == 'UTC' -%}
            {%- do parsed.append(wall) -%}
        {%- else -%}
            {%- set named = exporter_time_zone() if zone == 'exporter' else zone -%}
            {%- do parsed.append(utc_from_zone(wall, named) | trim) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- parsed[0] if parsed | length == 1 else 'coalesce(' ~ parsed | join(', ') ~ ')' -}}
{% endmacro %}
