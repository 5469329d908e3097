{#- Detects what breaks the declaration of a relation's rows: a key that stands twice, a null, a value outside its
    vocabulary, a reference to nothing. A key of several columns is a list of its own in the list `unique`. One test a
    relation instead of one a claim, because a test costs dbt 33 ms however small the table. A row names what is broken
    and how often. -#}
{% test rows_as_declared(model, unique=[], never_null=[], accepted_values={}, references={}) %}
    {%- set claims = [] %}

    {%- for key in ([unique] if unique is string else unique) %}
        {%- set columns = [key] if key is string else key %}
        {%- set repeated_keys %}
    select '{{ columns | join(', ') }} not unique' as broken
    from {{ model }}
            {%- if columns | length == 1 %}
    where {{ key }} is not null
            {%- endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
        {%- endset %}
        {%- do claims.append(repeated_keys) %}
    {%- endfor %}

    {%- if never_null %}
        {%- set missing_values %}
    select concat('null in'
            {%- for column in never_null %}, case when {{ column }} is null then ' {{ column }}' else '' end{% endfor %}) as broken
    from {{ model }}
    where {% for column in never_null %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
        {%- endset %}
        {%- do claims.append(missing_values) %}
    {%- endif %}

    {%- for column, values in accepted_values.items() %}
        {%- set strange_values %}
    select '{{ column }} outside its vocabulary' as broken
    from {{ model }}
    where {{ column }} not in ('{{ values | join("', '") }}')
        {%- endset %}
        {%- do claims.append(strange_values) %}
    {%- endfor %}

    {%- for column, parent in references.items() %}
        {%- set dangling_references %}
    select '{{ column }} not in {{ parent.to.identifier }}' as broken
    from {{ model }} as child
    left join {{ parent.to }} as parent on child.{{ column }} = parent.{{ parent.field }}
    where child.{{ column }} is not null and parent.{{ parent.field }} is null
        {%- endset %}
        {%- do claims.append(dangling_references) %}
    {%- endfor %}

select
    broken,
    count(*) as row_count
from (
    {{ claims | join('\n    union all\n') }}
) as broken_rows
group by broken
{% endtest %}
