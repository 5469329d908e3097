{#- Whether the model that is being built only replaces what changed; what else there is stands at `how_built`. -#}
{% macro is_replaced() %}{{ return(how_built() == 'replaced') }}{% endmacro %}

{#- How the model is built.
    whole: on a first build, and the first after any change of code, seeds, settings or engine (BALCONY_BUILD_STATE, which
        the build sets; without it all builds are whole);
    told: from all rows of its inputs as well, but only the rows that differ from those of the last build are written, and
        told to the models that read it. So is a table of few rows, for to look for what changed takes it
        longer than to be built; and one that does not know what changed, because a model that it reads was built whole
        or more often than is remembered;
    replaced: from what changed. -#}
{% macro how_built() %}
    {%- if
        not execute or model.resource_type != 'model' or flags.FULL_REFRESH or invocation_args_dict.empty
        or flags.WHICH not in ['build', 'run']
    -%}
        {{ return('whole') }}
    {%- endif -%}
    {%- if 'how_built' not in model -%}
        {%- do model.update({'how_built': how_built_by_memory()}) -%}
    {%- endif -%}
    {{ return(model['how_built']) }}
{% endmacro %}

{% macro how_built_by_memory() %}
    {%- set state = env_var('BALCONY_BUILD_STATE', '') -%}
    {%- set sizes = table_sizes() if state else {} -%}
    {%- set own_build = replaced_relation('build') -%}
    {%- if this.identifier not in sizes or own_build.identifier not in sizes -%}{{ return('whole') }}{%- endif -%}
    {%- set stood_before -%}
        select count(*) = 1 from {{ own_build }} where build_state = '{{ state }}'
    {%- endset -%}
    {%- if not run_query(stood_before).columns[0].values()[0] -%}{{ return('whole') }}{%- endif -%}
    {%- set plan = replaced_plan() -%}
    {%- if sizes[this.identifier] < replaced_from_rows() -%}{{ return('told') }}{%- endif -%}
    {%- set needed = [replaced_relation('read')] -%}
    {%- for input in plan.compares -%}{%- do needed.append(replaced_relation('seen__' ~ input)) -%}{%- endfor -%}
    {%- for input in plan.days_of or {} -%}{%- do needed.append(replaced_relation('days_of__' ~ input)) -%}{%- endfor -%}
    {%- for input in plan.reads -%}{%- do needed.append(replaced_relation('build', input)) -%}{%- endfor -%}
    {%- if needed | rejectattr('identifier', 'in', sizes) | list -%}{{ return('told') }}{%- endif -%}
    {%- if not plan.reads -%}{{ return('replaced') }}{%- endif -%}
    {%- set followed -%}
        select count(*) = {{ plan.reads | length }}
        from (
            {%- for input in plan.reads %}
            select '{{ input }}' as input, whole_build_id, change_number from {{ replaced_relation('build', input) }}
            {{- ' union all ' if not loop.last }}
            {%- endfor %}
        ) as input_build
        inner join {{ replaced_relation('read') }} as seen
            on input_build.input = seen.input and input_build.whole_build_id = seen.whole_build_id
        where seen.change_number >= input_build.change_number - {{ remembered_builds() }}
    {%- endset -%}
    {{ return('replaced' if run_query(followed).columns[0].values()[0] else 'told') }}
{% endmacro %}

{#- From how many rows on looking for what changed takes less time than building the table from all rows. -#}
{% macro replaced_from_rows() %}{{ return(env_var('BALCONY_REPLACE_FROM_ROWS', '100000') | int) }}{% endmacro %}

{#- Rows of the model's table, about, and of all that is remembered, by name; what is not there is not among them. An
    engine that remembers nothing builds whole. -#}
{% macro table_sizes() %}{{ return(adapter.dispatch('table_sizes', 'balcony')()) }}{% endmacro %}

{% macro default__table_sizes() %}{{ return({}) }}{% endmacro %}

{% macro duckdb__table_sizes() %}
    {%- set query -%}
        select table_name, estimated_size from duckdb_tables()
        where
            schema_name = 'replaced'
            or (schema_name = '{{ this.schema }}' and table_name = '{{ this.identifier }}')
    {%- endset -%}
    {%- set sizes = {} -%}
    {%- for row in run_query(query).rows -%}{%- do sizes.update({row[0]: row[1]}) -%}{%- endfor -%}
    {{ return(sizes) }}
{% endmacro %}

{#- How many builds' changes a model keeps for those that read them. -#}
{% macro remembered_builds() %}{{ return(30) }}{% endmacro %}

{#- The plan of the model that is being built, a dict; see plans.sql. -#}
{% macro replaced_plan() %}{{ return(context['replaced_' ~ model.name]()) }}{% endmacro %}

{#- What every build needs before its first model. -#}
{% macro prepare_replacing() %}
    {%- if target.type == 'duckdb' -%}
        create schema if not exists replaced;
        create table if not exists replaced.asked_days (first_day date, last_day date)
    {%- elif execute and target.type == 'spark' and flags.WHICH in ['build', 'run'] -%}
        {#- One statement at a time. -#}
        {%- do run_query('create schema if not exists replaced') -%}
        {%- do run_query('create table if not exists replaced.asked_days (first_day date, last_day date) using parquet') -%}
    {%- endif -%}
{% endmacro %}
