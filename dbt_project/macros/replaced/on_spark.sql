{#- A replaced table on Spark: a view on Parquet in the schema `replaced` that holds each row with its hash and its day.
    From BALCONY_REPLACE_FROM_ROWS rows on it is partitioned by the day, and the days whose rows differ are written anew:
    a Parquet table knows no delete, and none may be written by a statement that reads it. So a day is first put together
    in a table of its own, what stays of it and what is new. Fewer rows, and rows without a day, are written whole.

    No transaction holds several tables, so the order of steps is what a killed build can rely on. All that is new is
    computed beside the old. Then the record of the last build goes, rows and memory are replaced, and the record of this
    build is the last to be written. Killed before, all is as it was; killed in between, there is no record, so the next build
    is a whole one, after which the readers look at all rows. -#}
{% materialization replaced, adapter='spark' %}
    {%- set plan = replaced_plan() -%}
    {{ run_hooks(pre_hooks) }}
    {%- set build = whole_on_spark(plan) if how_built() == 'whole' else changed_on_spark(plan, is_replaced()) -%}
    {%- call statement('main') -%}
        create table {{ replaced_relation('build') }} using parquet as
        select
            '{{ build.whole_build_id }}' as whole_build_id,
            cast({{ build.change_number }} as bigint) as change_number,
            '{{ env_var("BALCONY_BUILD_STATE", "") }}' as build_state,
            '{{ how_built() }}' as how_built,
            {{ 'true' if build.is_by_day else 'false' }} as is_by_day,
            count(*) as row_count
        from {{ replaced_relation('rows') }}
    {%- endcall -%}
    {%- do drop_working_tables() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{% macro whole_on_spark(plan) %}
    {%- set existing_relation = adapter.get_relation(this.database, this.schema, this.identifier) -%}
    {%- if existing_relation and existing_relation.type != 'view' -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- do drop_kept('build') -%}
    {%- for kept in kept_on_spark() -%}{%- do drop_kept(kept) -%}{%- endfor -%}
    {%- if config.get('contract').enforced -%}{%- do get_assert_columns_equivalent(compiled_code) -%}{%- endif -%}
    {%- do keep('new_rows', rows_with_hash(plan)) -%}
    {%- set new_rows = replaced_relation('new_rows') -%}
    {%- set is_by_day = 'day' in plan and single_value('select count(*) from ' ~ new_rows) | int >= replaced_from_rows() -%}
    {%- if is_by_day -%}
        {%- do keep(
            'rows', 'select * from ' ~ new_rows ~ ' distribute by partition_day', 'partitioned by (partition_day)'
        ) -%}
    {%- else -%}
        {%- do put_in_place('new_rows', 'rows') -%}
    {%- endif -%}
    {%- do run_query(
        'create or replace view ' ~ this ~ ' as select * except (row_hash, partition_day) from ' ~ replaced_relation('rows')
    ) -%}
    {%- do keep_inputs(plan, 'seen__', 'days_of__') -%}
    {%- set no_changes -%}
        select
            cast(0 as bigint) as change_number, cast(null as string) as change_kind,
            cast(null as string) as changed_key, cast(null as date) as changed_day
        where false
    {%- endset -%}
    {%- do keep('changes', no_changes) -%}
    {%- do keep('read', what_is_read(plan)) -%}
    {{ return({'whole_build_id': invocation_id, 'change_number': 0, 'is_by_day': is_by_day}) }}
{% endmacro %}

{% macro changed_on_spark(plan, is_scoped) %}
    {%- do drop_working_tables() -%}
    {%- set rows, new_rows = replaced_relation('rows'), replaced_relation('new_rows') -%}
    {%- set last = run_query(
        'select whole_build_id, change_number, is_by_day from ' ~ replaced_relation('build')
    ).rows[0] -%}
    {%- set build = {'whole_build_id': last[0], 'change_number': last[1] | int, 'is_by_day': last[2]} -%}
    {%- if is_scoped -%}
        {%- do find_scope_on_spark(plan) -%}
    {%- else -%}
        {%- do keep_inputs(plan, 'now__', 'now_days_of__') -%}
    {%- endif -%}
    {%- do keep('now_read', what_is_read(plan)) -%}
    {%- set days = [] -%}
    {%- if not is_scoped or single_value('select count(*) from ' ~ replaced_relation('scope')) | int > 0 -%}
        {%- do keep('new_rows', rows_with_hash(plan)) -%}
        {%- do keep('differing_hashes', differing_hashes(plan, is_scoped)) -%}
        {%- do days.extend(dates_of('select distinct partition_day from ' ~ replaced_relation('differing_hashes'))) -%}
    {%- endif -%}
    {#- What differs decides whether anything is written, and which days. -#}
    {%- if days -%}
        {%- do build.update({'change_number': build.change_number + 1}) -%}
        {%- do keep('now_changes', changes_and_those_before(plan, build.change_number)) -%}
        {%- set of_days = 'where partition_day in (' ~ days | join(', ') ~ ')' if build.is_by_day else 'where true' -%}
        {%- set whole_days -%}
            select * from {{ new_rows }} {{ of_days }}
            {%- if is_scoped %}
            union all
            select * from {{ rows }} {{ of_days }} and not coalesce({{ any_of(plan.where) }}, false)
            {%- endif %}
        {%- endset -%}
        {%- do keep('now_rows', whole_days) -%}
    {%- endif -%}
    {%- do drop_kept('build') -%}
    {%- if days -%}
        {%- do replace_days(days) if build.is_by_day else put_in_place('now_rows', 'rows') -%}
        {%- do put_in_place('now_changes', 'changes') -%}
    {%- endif -%}
    {%- do put_in_place('now_read', 'read') -%}
    {%- for input in plan.compares -%}{%- do put_in_place('now__' ~ input, 'seen__' ~ input) -%}{%- endfor -%}
    {%- for input in plan.days_of or {} -%}
        {%- do put_in_place('now_days_of__' ~ input, 'days_of__' ~ input) -%}
    {%- endfor -%}
    {{ return(build) }}
{% endmacro %}

{#- What a plan compares of its inputs, all rows of it, under names that start so. -#}
{% macro keep_inputs(plan, fingerprint, days_of) %}
    {%- for input, compared in plan.compares.items() -%}{%- do keep(fingerprint ~ input, fingerprints(compared)) -%}{%- endfor -%}
    {%- for input, held in (plan.days_of or {}).items() -%}{%- do keep(days_of ~ input, days_held(held)) -%}{%- endfor -%}
{% endmacro %}

{#- Days of which rows came, went or changed: those that have rows now are overwritten, of the others the partition goes. -#}
{% macro replace_days(days) %}
    {%- set rows, now_rows = replaced_relation('rows'), replaced_relation('now_rows') -%}
    {%- set filled = dates_of('select distinct partition_day from ' ~ now_rows) -%}
    {%- if filled -%}
        {%- do run_query(
            'insert overwrite table ' ~ rows ~ ' partition (partition_day) select * from ' ~ now_rows
            ~ ' distribute by partition_day'
        ) -%}
    {%- endif -%}
    {%- set emptied = days | reject('in', filled) | list -%}
    {%- if emptied -%}
        {%- do run_query(
            'alter table ' ~ rows ~ ' drop if exists partition (partition_day = '
            ~ emptied | join('), partition (partition_day = ') ~ ')'
        ) -%}
    {%- endif -%}
{% endmacro %}

{#- As `find_scope` for DuckDB, but what the inputs are now is kept beside what they were. -#}
{% macro find_scope_on_spark(plan) %}
    {%- for input, compared in plan.compares.items() -%}
        {%- set now, seen = replaced_relation('now__' ~ input), replaced_relation('seen__' ~ input) -%}
        {%- do keep('now__' ~ input, fingerprints(compared)) -%}
        {%- set differing_groups -%}
            select distinct {{ compared.by.keys() | join(', ') }}
            from (
                (select * from {{ now }} except select * from {{ seen }})
                union all
                (select * from {{ seen }} except select * from {{ now }})
            ) as differing_groups
        {%- endset -%}
        {%- do keep('differing__' ~ input, differing_groups) -%}
    {%- endfor -%}
    {%- for input, held in (plan.days_of or {}).items() -%}
        {%- set differing_keys = differing(input, (plan.compares[input].by.keys() | list)[0]) -%}
        {%- set days_of = replaced_relation('days_of__' ~ input) -%}
        {%- set new_days_of = replaced_relation('new_days_of__' ~ input) -%}
        {%- do keep('new_days_of__' ~ input, days_held(held) ~ ' where ' ~ held.key ~ ' in (' ~ differing_keys ~ ')') -%}
        {%- set differing_days -%}
            select held_day from {{ days_of }} where held_key in ({{ differing_keys }})
            union all
            select held_day from {{ new_days_of }}
        {%- endset -%}
        {%- do keep('differing_days__' ~ input, differing_days) -%}
        {%- set now_days_of -%}
            select * from {{ days_of }} where held_key not in ({{ differing_keys }})
            union all
            select * from {{ new_days_of }}
        {%- endset -%}
        {%- do keep('now_days_of__' ~ input, now_days_of) -%}
    {%- endfor -%}
    {%- do drop_kept('scope') -%}
    {%- do keep('scope', scope_rows(plan)) -%}
{% endmacro %}

{#- Hashes of rows that came or went, with the days of these. -#}
{% macro differing_hashes(plan, is_scoped) %}
    select partition_day, row_hash
    from (
        select partition_day, row_hash, 1 as added from {{ replaced_relation('new_rows') }}
        union all
        select partition_day, row_hash, -1 as added
        from {{ replaced_relation('rows') }} {{ 'where ' ~ any_of(plan.where) if is_scoped }}
    ) as both_builds
    group by partition_day, row_hash
    having sum(added) <> 0
{% endmacro %}

{#- The model's rows, each with its hash and its day. -#}
{% macro rows_with_hash(plan) %}
    select
        made_rows.*,
        {{ row_hash('made_rows') }} as row_hash,
        {{ day_or_none(plan.day if 'day' in plan else 'null') }} as partition_day
    from ({{ get_select_subquery(compiled_code) if config.get('contract').enforced else compiled_code }}) as made_rows
{% endmacro %}

{#- The remembered changes, less the oldest, and what the differing rows hand on, as they were and as they are. -#}
{% macro changes_and_those_before(plan, change_number) %}
    select * from {{ replaced_relation('changes') }} where change_number > {{ change_number - remembered_builds() }}
    {%- for kind, expression in plan.hands_on.items() %}
    union all
    select distinct
        cast({{ change_number }} as bigint) as change_number,
        '{{ kind }}' as change_kind,
        {{ 'cast(null as string)' if kind == 'day' else expression }} as changed_key,
        {{ day_or_none(expression) if kind == 'day' else 'cast(null as date)' }} as changed_day
    from (
        {%- for either in ('new_rows', 'rows') %}
        select either_rows.*
        from {{ replaced_relation(either) }} as either_rows
        left semi join {{ replaced_relation('differing_hashes') }} as differing_hashes
            on either_rows.partition_day = differing_hashes.partition_day
            and either_rows.row_hash = differing_hashes.row_hash
        {{- ' union all ' if not loop.last }}
        {%- endfor %}
    ) as changed_rows
    {{ 'where ' ~ expression ~ ' is not null' if kind != 'day' }}
    {%- endfor %}
{% endmacro %}

{#- Names, without that of the model, of its tables in the schema `replaced`. -#}
{% macro kept_on_spark() %}
    {%- set start = model.name ~ '__' -%}
    {%- set names = [] -%}
    {%- for row in run_query("show tables in replaced like '" ~ start ~ "*'").rows -%}
        {%- if row[1].startswith(start) -%}{%- do names.append(row[1][start | length:]) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{#- What a killed build has left, or this one needs no more. -#}
{% macro drop_working_tables() %}
    {%- for name in kept_on_spark() -%}
        {%- if name not in ['rows', 'build', 'changes', 'read', 'scope'] and name.split('__')[0] not in ['seen', 'days_of'] -%}
            {%- do drop_kept(name) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro keep(name, query, partitioned='') %}
    {%- do run_query('create table ' ~ replaced_relation(name) ~ ' using parquet ' ~ partitioned ~ ' as ' ~ query) -%}
{% endmacro %}

{% macro drop_kept(name) %}{%- do run_query('drop table if exists ' ~ replaced_relation(name)) -%}{% endmacro %}

{% macro put_in_place(name, old_name) %}
    {%- do drop_kept(old_name) -%}
    {%- do run_query('alter table ' ~ replaced_relation(name) ~ ' rename to ' ~ replaced_relation(old_name)) -%}
{% endmacro %}

{% macro single_value(query) %}{{ return(run_query(query).columns[0].values()[0]) }}{% endmacro %}

{#- Dates as literals, in order. -#}
{% macro dates_of(query) %}
    {%- set dates = [] -%}
    {%- for row in run_query('select cast(partition_day as string) from (' ~ query ~ ') as days order by 1').rows -%}
        {%- do dates.append("date '" ~ row[0] ~ "'") -%}
    {%- endfor -%}
    {{ return(dates) }}
{% endmacro %}

{% macro spark__table_sizes() %}
    {%- set sizes = {} -%}
    {%- for row in run_query('show tables in replaced').rows -%}{%- do sizes.update({row[1]: 0}) -%}{%- endfor -%}
    {%- if replaced_relation('rows').identifier in sizes and replaced_relation('build').identifier in sizes -%}
        {%- set is_by_day, row_count = run_query(
            'select is_by_day, row_count from ' ~ replaced_relation('build')
        ).rows[0] -%}
        {#- A table that has grown is parted into days by a whole build. -#}
        {%- if is_by_day or 'day' not in replaced_plan() or row_count | int < replaced_from_rows() -%}
            {%- do sizes.update({this.identifier: row_count | int}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(sizes) }}
{% endmacro %}
