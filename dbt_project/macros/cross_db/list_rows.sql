{#- A relation: columns of another, an item of its row's list, and that item's place from 1 on.
    On both engines:
    `list_rows("(select 7 as k, split('a, b,,', ',') as parts) as texts", 'k', 'parts', 'part', 'place')` is `7| b|2; 7|a|1; 7||3; 7||4`. -#}
{% macro list_rows(relation, columns, list, item, place) %}
    {{- return(adapter.dispatch('list_rows', 'balcony')(relation, columns, list, item, place)) -}}
{% endmacro %}

{% macro default__list_rows(relation, columns, list, item, place) %}
    select
        {{ columns }},
        unnest({{ list }}) as {{ item }},
        unnest(generate_series(1, len({{ list }}))) as {{ place }}
    from {{ relation }}
{% endmacro %}

{% macro spark__list_rows(relation, columns, list, item, place) %}
    select
        {{ columns }},
        exploded.{{ item }},
        cast(exploded.{{ place }} + 1 as bigint) as {{ place }}
    from {{ relation }}
    lateral view posexplode({{ list }}) exploded as {{ place }}, {{ item }}
{% endmacro %}
