{#-
    Every raw table that a source file declares, with the days after which a new file of it is due (its meta
    `expected_within_days`), null where none is expected.
-#}
{% macro declared_sources() -%}
    {%- set declared = [] -%}
    {#- As in utc_time: dbt gives unit tests no graph. -#}
    {%- if graph.sources is defined -%}
        {%- for source in graph.sources.values() if source.config.meta.landing -%}
            {%- do declared.append([source.source_name, source.name, source.config.meta.expected_within_days]) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for source_name, table_name, days in declared | sort(attribute='0,1') %}
    select
        cast('{{ source_name }}' as string) as source_name,
        cast('{{ table_name }}' as string) as table_name,
        cast({{ days or 'null' }} as bigint) as expected_within_days
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast('' as string) as source_name,
        cast('' as string) as table_name,
        cast(null as bigint) as expected_within_days
    where 1 = 0
    {%- endfor %}
{%- endmacro %}
