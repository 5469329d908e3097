{#- The decoded value of a parameter in a URL's query, null where it is absent or blank. -#}
{% macro url_parameter(expression, parameter_name) %}
    {%- set value = regexp_group(expression, '[?&;]' ~ parameter_name ~ '=([^&#]*)') -%}
    {{- "nullif(trim(" ~ percent_decoded(value) ~ "), '')" -}}
{% endmacro %}
