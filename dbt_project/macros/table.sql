{#- How a table is replaced: dropped and created in one transaction, so that readers and a killed run have the old rows or
    the new ones. dbt-duckdb's own also looks for backups and drops them,
    each through a context of all macros: 2 of 3 such contexts of a build, a sixth of dbt's time in a profile. -#}
{% materialization table, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- do adapter.ensure_transaction() -%}
    {%- call statement('main') -%}
        {%- if existing is not none %}drop {{ existing.type }} {{ existing }};{% endif %}
        {{ create_table_as(false, target, compiled_code) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
