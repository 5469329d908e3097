{#- The keyed hash under which a person's e-mail or phone appears downstream of raw. Blank stays null. Needs the
    one-row relation source('balcony', 'identity_keys') in scope; the key never stands in compiled SQL. -#}
{% macro person_hash(expression) %}
    case
        when trim({{ expression }}) <> ''
            then {{ sha256_hex("concat(identity_keys.key_text, ':', lower(trim(" ~ expression ~ ")))") }}
    end
{% endmacro %}
