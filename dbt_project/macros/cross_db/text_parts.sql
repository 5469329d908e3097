{#- A relation: a text column of another, a part of it between separators, and that part's position from 1 on. The
    separator holds no sign that a regular expression reads. -#}
{% macro text_parts(relation, column, separator, part, position) %}
    {{- return(adapter.dispatch('text_parts', 'balcony')(relation, column, separator, part, position)) -}}
{% endmacro %}

{% macro default__text_parts(relation, column, separator, part, position) %}
    select
        {{ column }},
        unnest(string_split({{ column }}, '{{ separator }}')) as {{ part }},
        unnest(generate_series(1, len(string_split({{ column }}, '{{ separator }}')))) as {{ position }}
    from {{ relation }}
{% endmacro %}

{% macro spark__text_parts(relation, column, separator, part, position) %}
    select
        {{ column }},
        exploded.{{ part }},
        cast(exploded.place + 1 as bigint) as {{ position }}
    from {{ relation }}
    lateral view posexplode(split({{ column }}, '{{ separator }}')) exploded as place, {{ part }}
{% endmacro %}
