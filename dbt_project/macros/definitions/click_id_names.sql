{#- The parameters by which platforms mark a click, as alternatives of a regular expression. -#}
{% macro click_id_names() %}
    {{- return('gclid|gbraid|wbraid|dclid|msclkid|fbclid|ttclid|twclid|li_fat_id|rdt_cid|mc_cid|mc_eid|igshid|igsh') -}}
{% endmacro %}
