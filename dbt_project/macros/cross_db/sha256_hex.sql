{#- Lower-case hexadecimal SHA-256 of a text. -#}
{% macro sha256_hex(expression) %}{{ return(adapter.dispatch('sha256_hex', 'balcony')(expression)) }}{% endmacro %}

{% macro default__sha256_hex(expression) %}sha256({{ expression }}){% endmacro %}

{% macro spark__sha256_hex(expression) %}sha2({{ expression }}, 256){% endmacro %}
