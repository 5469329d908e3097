{#- Lower-case hexadecimal SHA-256 of a text.
    On both engines:
    `sha256_hex("'é'")` is `4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c`. -#}
{% macro sha256_hex(expression) %}{{ return(adapter.dispatch('sha256_hex', 'balcony')(expression)) }}{% endmacro %}

{% macro default__sha256_hex(expression) %}sha256({{ expression }}){% endmacro %}

{% macro spark__sha256_hex(expression) %}sha2({{ expression }}, 256){% endmacro %}
