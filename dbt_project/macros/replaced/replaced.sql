{#- A table of which each build replaces what its inputs changed and leaves the rest, with the rows that a whole build
    gives. One script in one transaction: a killed build leaves the old rows, and what it remembers is of the same moment.

    What changed is found by content, so it does not matter why: late, restated, deleted, re-identified. An input that is
    built whole is compared, group by group, with its row counts and hashes when this model was last built. An input that
    is itself replaced says which keys of its rows changed. -#}
{% materialization replaced, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set script = replacing_script(target_relation) if is_replaced() else whole_script(target_relation) -%}
    {%- call statement('main') -%}{{ script }}{%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Other engines build whole. -#}
{% materialization replaced, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = adapter.get_relation(this.database, this.schema, this.identifier) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing_relation -%}{{ adapter.drop_relation(existing_relation) }}{%- endif -%}
    {%- call statement('main') -%}{{ create_table_as(false, target_relation, compiled_code) }}{%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro whole_script(target_relation) %}
{%- set plan = replaced_plan() -%}
drop table if exists {{ target_relation }};
{{ create_table_as(false, target_relation, compiled_code) }};
{% for input, compared in plan.compares.items() -%}
create or replace table {{ replaced_relation('seen__' ~ input) }} as
{{ fingerprints(compared) }};
{% endfor -%}
create or replace table {{ replaced_relation('changes') }} (
    change_number bigint, change_kind varchar, changed_key varchar, changed_day date
);
create or replace table {{ replaced_relation('build') }} as
select
    '{{ invocation_id }}' as whole_build_id,
    cast(0 as bigint) as change_number,
    '{{ env_var("BALCONY_BUILD_STATE", "") if not invocation_args_dict.empty }}' as build_state;
{{ remember_what_was_read(plan) }}
{% endmacro %}

{% macro replacing_script(target_relation) %}
{%- set plan = replaced_plan() -%}
{%- set old_rows = model.name ~ '__old_rows' -%}
{%- set new_rows = model.name ~ '__new_rows' -%}
{% for input, compared in plan.compares.items() -%}
{%- set seen = replaced_relation('seen__' ~ input) -%}
create or replace temp table {{ model.name }}__now__{{ input }} as
{{ fingerprints(compared) }};
create or replace temp table {{ model.name }}__differing__{{ input }} as
select distinct {{ compared.by.keys() | join(', ') }}
from (
    (select * from {{ model.name }}__now__{{ input }} except select * from {{ seen }})
    union all
    (select * from {{ seen }} except select * from {{ model.name }}__now__{{ input }})
);
create or replace table {{ seen }} as from {{ model.name }}__now__{{ input }};
{% endfor -%}
create or replace table {{ replaced_relation('scope') }} as
select distinct scope_kind, cast(scope_key as varchar) as scope_key, cast(scope_day as date) as scope_day
from ({{ plan.scope }})
where scope_key is not null or scope_day is not null;
create or replace temp table {{ new_rows }} as
{{ compiled_code }};
create or replace temp table {{ old_rows }} as
select *, rowid as replaced_rowid from {{ target_relation }} where {{ plan.where }};
delete from {{ target_relation }} where rowid in (select replaced_rowid from {{ old_rows }});
alter table {{ old_rows }} drop column replaced_rowid;
insert into {{ target_relation }} by name select * from {{ new_rows }};
update {{ replaced_relation('build') }} set change_number = change_number + 1;
delete from {{ replaced_relation('changes') }}
where change_number <= (select change_number - {{ remembered_builds() }} from {{ replaced_relation('build') }});
{% if plan.hands_on -%}
create or replace temp table {{ model.name }}__changed_rows as
select * exclude (added)
from (select *, 1 as added from {{ new_rows }} union all by name select *, -1 as added from {{ old_rows }})
group by all
having sum(added) <> 0;
{% for kind, expression in plan.hands_on.items() -%}
insert into {{ replaced_relation('changes') }} by name
select distinct
    (select change_number from {{ replaced_relation('build') }}) as change_number,
    '{{ kind }}' as change_kind,
    {{ day_or_none(expression) ~ ' as changed_day' if kind == 'day' else expression ~ ' as changed_key' }}
from {{ model.name }}__changed_rows
{{ 'where ' ~ expression ~ ' is not null' if kind != 'day' }};
{% endfor -%}
drop table {{ model.name }}__changed_rows;
{% endif -%}
drop table {{ old_rows }};
drop table {{ new_rows }};
{% for input in plan.compares -%}
drop table {{ model.name }}__now__{{ input }};
drop table {{ model.name }}__differing__{{ input }};
{% endfor -%}
{{ remember_what_was_read(plan) }}
{% endmacro %}

{#- Up to which change of each input that is itself replaced the model has followed. -#}
{% macro remember_what_was_read(plan) %}
create or replace table {{ replaced_relation('read') }} as
{% for input in plan.reads -%}
select '{{ input }}' as input, whole_build_id, change_number from {{ replaced_relation('build', input) }}
union all
{% endfor -%}
select null as input, null as whole_build_id, null as change_number where false;
{% endmacro %}

{#- Row count and hash of an input's rows for each value of what it is compared by. -#}
{% macro fingerprints(compared) %}
select
    {%- for name, expression in compared.by.items() %}
    {{ expression }} as {{ name }},
    {%- endfor %}
    count(*) as row_count,
    {{ rows_hash('compared_rows') }} as row_hash
from ({{ compared.rows }}) as compared_rows
group by {{ compared.by.values() | join(', ') }}
{% endmacro %}
