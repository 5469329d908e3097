{#- 64 bits of hash of a whole row of a relation named `alias`, compared only with those of the same engine. Spark's hash passes
    over nulls, so a text that moves to the next column would not change it; a text of the row that names its columns does. -#}
{% macro row_hash(alias) %}{{ return(adapter.dispatch('row_hash', 'balcony')(alias)) }}{% endmacro %}

{% macro default__row_hash(alias) %}hash({{ alias }}){% endmacro %}

{% macro spark__row_hash(alias) %}xxhash64({{ alias }}.*, to_json(struct({{ alias }}.*))){% endmacro %}
