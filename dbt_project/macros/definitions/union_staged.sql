{#- All platforms' rows of one canonical form, or those of some, column by column in the form's own order; those of the scope
    where it is said by which expressions (see `rows_within`). -#}
{% macro union_staged(form, columns, platforms=none, within={}, time=none) %}
    {%- for platform in (var('staged_' ~ form) if platforms is none else platforms) %}
    {{- rows_within(ref('stg_' ~ platform ~ '__' ~ form), within, time, columns) }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}
{% endmacro %}
