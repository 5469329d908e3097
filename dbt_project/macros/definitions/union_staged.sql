{#- All platforms' rows of one canonical form, or those of some, column by column in the form's own order. -#}
{% macro union_staged(form, columns, platforms=none) %}
    {%- for platform in (var('staged_' ~ form) if platforms is none else platforms) %}
    select
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ platform ~ '__' ~ form) }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}
{% endmacro %}
