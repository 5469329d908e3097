{#- A key over some columns: md5 of their texts. A null is told from a blank, and ('a', 'bc') from ('ab', 'c'). -#}
{% macro surrogate_key(columns) %}
    md5(concat(
        {%- for column in columns %}
        coalesce(replace(cast({{ column }} as {{ dbt.type_string() }}), '|', '||'), '|0'), '|,'
        {%- if not loop.last %}, {% endif %}
        {%- endfor %}
    ))
{% endmacro %}
