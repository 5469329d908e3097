{#- The folder's schema is the schema: staging, intermediate, marts, reference. No target prefix, so that
    Dagster's asset keys, the guards and the publication all use one name. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
