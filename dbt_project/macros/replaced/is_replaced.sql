{#- Whether the model that is being built only replaces what changed. Whole is every first build, and the first after any
    change of code, seeds, settings or engine (BALCONY_BUILD_STATE, which the build sets; without it all builds are
    whole), after a whole build of a model whose changes it reads, and after more builds of that than are remembered. Whole is
    also a table of few rows, always: to look for what changed takes it longer than to be built. -#}
{% macro is_replaced() %}
    {%- if
        not execute or model.resource_type != 'model' or flags.FULL_REFRESH or invocation_args_dict.empty
        or flags.WHICH not in ['build', 'run']
    -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if 'is_replaced' not in model -%}
        {%- do model.update({'is_replaced': adapter.dispatch('is_replaced', 'balcony')()}) -%}
    {%- endif -%}
    {{ return(model['is_replaced']) }}
{% endmacro %}

{#- Elsewhere tables are built whole: see DECISIONS.md. -#}
{% macro default__is_replaced() %}{{ return(false) }}{% endmacro %}

{% macro duckdb__is_replaced() %}
    {%- set state = env_var('BALCONY_BUILD_STATE', '') -%}
    {%- if state == '' -%}{{ return(false) }}{%- endif -%}
    {%- set plan = replaced_plan() -%}
    {%- set needed = [this, replaced_relation('build'), replaced_relation('read')] -%}
    {%- for input in plan.compares -%}{%- do needed.append(replaced_relation('seen__' ~ input)) -%}{%- endfor -%}
    {%- for input in plan.reads -%}{%- do needed.append(replaced_relation('build', input)) -%}{%- endfor -%}
    {%- set there -%}
        select count(*) from information_schema.tables
        where {% for relation in needed -%}
            (table_schema = '{{ relation.schema }}' and table_name = '{{ relation.identifier }}'){{ ' or ' if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- set size -%}
        select coalesce(max(estimated_size), 0) from duckdb_tables()
        where schema_name = '{{ this.schema }}' and table_name = '{{ this.identifier }}'
    {%- endset -%}
    {%- if run_query(size).columns[0].values()[0] < env_var('BALCONY_REPLACE_FROM_ROWS', '100000') | int -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if run_query(there).columns[0].values()[0] != needed | length -%}{{ return(false) }}{%- endif -%}
    {%- set known -%}
        select count(*) = 1
        from {{ replaced_relation('build') }} as own
        where own.build_state = '{{ state }}'
        {%- for input in plan.reads %}
            and exists (
                select 1
                from {{ replaced_relation('build', input) }} as input_build
                inner join {{ replaced_relation('read') }} as seen
                    on input_build.whole_build_id = seen.whole_build_id
                where
                    seen.input = '{{ input }}'
                    and seen.change_number >= input_build.change_number - {{ remembered_builds() }}
            )
        {%- endfor %}
    {%- endset -%}
    {{ return(run_query(known).columns[0].values()[0]) }}
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
    {%- endif -%}
{% endmacro %}
