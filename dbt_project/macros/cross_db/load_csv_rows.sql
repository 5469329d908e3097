{#- dbt's own hook: a seed's rows as literals. dbt-spark's version writes texts as they stand, so that a quote ends the
    literal and a backslash goes, and makes 'None' of a blank cell: "Cubot's" is an error and '' the text 'None'. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model.config.get('column_types', {}) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
        {%- set rows = [] -%}
        {%- for row in chunk -%}
            {%- set cells = [] -%}
            {%- for name in agate_table.column_names -%}
                {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
                {%- set text = row[name] | string | replace('\\', '\\\\') | replace("'", "\\'") -%}
                {%- do cells.append('cast(' ~ ('null' if row[name] is none else "'" ~ text ~ "'") ~ ' as ' ~ type ~ ')') -%}
            {%- endfor -%}
            {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
        {%- endfor -%}
        {%- do statements.append('insert into ' ~ this.render() ~ ' values\n' ~ rows | join(',\n')) -%}
        {%- do adapter.add_query(statements[-1], abridge_sql_log=True) -%}
    {%- endfor -%}
    {{ return(statements[0] if statements else "") }}
{% endmacro %}
