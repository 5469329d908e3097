{#- The value that stands after a key in a text of `key: value` lines, trimmed; the key is a regular expression. -#}
{% macro noted_value(expression, key_pattern) %}
    {%- set lines = "replace(" ~ expression ~ ", chr(13), '')" -%}
    {{- regexp_group(lines, '(?im)^[ ]*(?:' ~ key_pattern ~ ')[ ]*:[ ]*(.*[^ ])[ ]*$') -}}
{% endmacro %}
