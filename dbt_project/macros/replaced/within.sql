{#- What a model of the materialization `replaced` reads of its rows' keys: all of them when it is built whole, those of the
    night's scope otherwise. `kind` is 'day' or the kind of a key, as in the model's plan (see plans.sql). -#}
{% macro within(kind, expression) %}
    {{- in_scope(kind, expression) if is_replaced() else 'true' -}}
{% endmacro %}

{#- Whether a day of the scope is among the days that an input's rows hold by what was remembered of them (`days_of`):
    for rows whose own day is dear to find. -#}
{% macro within_days_of(input, key) %}
    {%- if not is_replaced() -%}{{ return('true') }}{%- endif -%}
    {{ key }} in (
        select held_key from {{ remembered_days(input) }} where {{ in_scope('day', 'held_day') }}
    )
{%- endmacro %}

{#- Whether a moment is not before the scope's days or so many days earlier: of a table in the order of time, blocks of earlier
    rows are then not read at all. -#}
{% macro not_before_scope(expression, days_earlier=0) %}
    {{- not_before_days_of_scope(expression, days_earlier) if is_replaced() else 'true' -}}
{% endmacro %}

{% macro not_before_days_of_scope(expression, days_earlier) %}
    {{- expression }} >= (select min(scope_day) - {{ days_earlier }} from {{ replaced_relation('scope') }})
{%- endmacro %}

{#- Which rows belong to the scope, by the kinds of key, or 'day', of some of their expressions: conditions of which one is enough, each for an
    engine to look up on its own. Rows with a time are apart from those without, so that a table in the order of the column
    `time` is not read before the scope's first day; where the expression of the day is another, the two are less than a
    day apart. -#}
{% macro conditions_of(kinds, time=none) %}
    {%- set conditions = [] -%}
    {%- for expression, kind in kinds.items() -%}
        {%- set condition = in_scope(kind, expression) -%}
        {%- if kind == 'day' -%}
            {%- set column = time or expression -%}
            {%- do conditions.append(not_before_days_of_scope(column, 1) ~ ' and ' ~ condition) -%}
            {%- do conditions.append(column ~ ' is null and ' ~ condition) -%}
        {%- else -%}
            {%- do conditions.append(condition) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(conditions) }}
{% endmacro %}

{#- Conditions of which one is enough, as one. -#}
{% macro any_of(conditions) %}{{ return('((' ~ conditions | join(') or (') ~ '))') }}{% endmacro %}

{#- All columns, or some, of the rows of a relation that belong to the scope by the kinds of their expressions (see
    `conditions_of`); of all rows where the model is not replaced. Each condition is looked up on its own: of conditions
    joined by "or", DuckDB tests all rows, and reads all columns for it. -#}
{% macro rows_within(relation, kinds, time=none, columns=['*']) %}
    {%- set selected = '\n    select\n        ' ~ columns | join(',\n        ') ~ '\n    from ' ~ relation -%}
    {%- if kinds and is_replaced() -%}
    {%- set conditions = conditions_of(kinds, time) -%}
    {%- for condition in conditions -%}
    {{ selected }}
    where
        {{ condition }}
        {%- for earlier in conditions[:loop.index0] %}
        and not coalesce({{ earlier }}, false)
        {%- endfor %}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}
    {%- else -%}
    {{ selected }}
    {%- endif -%}
{% endmacro %}

{#- Whether a key or day belongs to the scope of the model that is being built. -#}
{% macro in_scope(kind, expression) %}
    {%- set scope = replaced_relation('scope') -%}
    {%- if kind == 'day' -%}
        {{ day_or_none(expression) }} in (select scope_day from {{ scope }} where scope_kind = 'day')
    {%- else -%}
        {{ expression }} in (select scope_key from {{ scope }} where scope_kind = '{{ kind }}')
    {%- endif -%}
{% endmacro %}

{#- The day of a date or timestamp; rows without one have a day of their own, so that they are replaced like others. -#}
{% macro day_or_none(expression) %}
    {{- "coalesce(cast(" ~ expression ~ " as date), cast('0001-01-01' as date))" -}}
{% endmacro %}

{#- A table of what is remembered between the builds of a model: schema `replaced`, named after the model. -#}
{% macro replaced_relation(what, name=none) %}
    {{- return(api.Relation.create(
        database=this.database, schema='replaced', identifier=(name or model.name) ~ '__' ~ what
    )) -}}
{% endmacro %}

{#- Which days the rows of an input hold by what was remembered of them and what is new. -#}
{% macro remembered_days(input) %}{{ return(adapter.dispatch('remembered_days', 'balcony')(input)) }}{% endmacro %}

{% macro default__remembered_days(input) %}{{ return(replaced_relation('days_of__' ~ input)) }}{% endmacro %}

{% macro spark__remembered_days(input) %}{{ return(replaced_relation('now_days_of__' ~ input)) }}{% endmacro %}

{#- A table that lives as long as a build of the model takes. -#}
{% macro working_table(what) %}{{ return(adapter.dispatch('working_table', 'balcony')(what)) }}{% endmacro %}

{% macro default__working_table(what) %}{{ return(model.name ~ '__' ~ what) }}{% endmacro %}

{% macro spark__working_table(what) %}{{ return(replaced_relation(what)) }}{% endmacro %}
