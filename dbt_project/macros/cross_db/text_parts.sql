{#- A relation: a text column of another, or that row's key instead, a part of the text between separators, and that part's
    position from 1 on. The separator holds no sign that a regular expression reads.
    On both engines:
    `text_parts("(select 'a, b,,' as tags)", 'tags', ',', 'tag', 'position')` is `a, b,,| b|2; a, b,,|a|1; a, b,,||3; a, b,,||4`. -#}
{% macro text_parts(relation, column, separator, part, position, key=none) %}
    {{- return(adapter.dispatch('text_parts', 'balcony')(relation, column, separator, part, position, key or column)) -}}
{% endmacro %}

{% macro default__text_parts(relation, column, separator, part, position, key) %}
    select
        {{ key }},
        unnest(string_split({{ column }}, '{{ separator }}')) as {{ part }},
        unnest(generate_series(1, len(string_split({{ column }}, '{{ separator }}')))) as {{ position }}
    from {{ relation }}
{% endmacro %}

{% macro spark__text_parts(relation, column, separator, part, position, key) %}
    select
        {{ key }},
        exploded.{{ part }},
        cast(exploded.place + 1 as bigint) as {{ position }}
    from {{ relation }}
    lateral view posexplode(split({{ column }}, '{{ separator }}')) exploded as place, {{ part }}
{% endmacro %}
