{#- The texts that a field has in the structs of a list, joined by a separator.
    On both engines:
    `(select {{ list_texts(rows_in_order(['word']), 'word', ' > ') }} from (values ('b'), ('a')) as words (word))` is `a > b`. -#}
{% macro list_texts(list, field, separator) %}
    {{- return(adapter.dispatch('list_texts', 'balcony')(list, field, separator)) -}}
{% endmacro %}

{% macro default__list_texts(list, field, separator) %}
    {{- "array_to_string(list_transform(" ~ list ~ ", lambda item: item." ~ field ~ "), '" ~ separator ~ "')" -}}
{% endmacro %}

{% macro spark__list_texts(list, field, separator) %}
    {{- "array_join(transform(" ~ list ~ ", item -> item." ~ field ~ "), '" ~ separator ~ "')" -}}
{% endmacro %}
