{#- A text in which each e-mail address, and whatever looks like one, reads `(address)`. For names and messages, of
    which the rest is needed. -#}
{% macro addresses_masked(expression) %}
    {{- return(regexp_replaced(expression, '[^ /@,;:<>()"]+(@|%40)[^ /@,;:<>()"]+', '(address)')) -}}
{% endmacro %}
