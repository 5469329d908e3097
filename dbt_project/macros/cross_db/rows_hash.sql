{#- An aggregate over whole rows of a relation named `alias`: equal for equal rows in any order, told apart by any change.
    A sum of 64-bit hashes; engines differ in the number, so it is compared only with one of the same engine. -#}
{% macro rows_hash(alias) %}{{ return(adapter.dispatch('rows_hash', 'balcony')(alias)) }}{% endmacro %}

{% macro default__rows_hash(alias) %}sum(cast({{ row_hash(alias) }} as hugeint)){% endmacro %}

{% macro spark__rows_hash(alias) %}sum(cast({{ row_hash(alias) }} as decimal(38, 0))){% endmacro %}
