{#- How a table is replaced: dropped and created in one transaction, so that readers and a killed run have the old rows or
    the new ones. dbt-duckdb's own drops a backup besides: in a profile 325 calls through macros, each with all macros of
    the project in its hands, a sixth of dbt's time. -#}
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
