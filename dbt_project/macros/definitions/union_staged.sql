{#- All platforms' rows of one canonical form, column by column in the form's own order. -#}
{% macro union_staged(form, columns) %}
    {%- for platform in var('staged_' ~ form) %}
    select
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ platform ~ '__' ~ form) }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}
{% endmacro %}
