{#- 1 for the row that counts among all exports of the same thing: the one from the latest export. Export order is a
    property of the content (see stg_landing__loads), so arrival order cannot change it. Needs `loads` in scope. -#}
{% macro later_export_wins(key_columns) %}
    row_number() over (
        partition by {{ key_columns | join(', ') }}
        order by loads.export_rank desc nulls last, _source_row_number desc nulls last
    )
{% endmacro %}
