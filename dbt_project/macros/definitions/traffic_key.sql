{#- Key of what channel_rules compare of a visit, a record on a conversion or a platform's touches: expressions by the
    names of int_traffic_classified's fields. What is not given is null. Equal traffic has one key. -#}
{% macro traffic_key(given) %}
    {%- set values = [] -%}
    {%- for field in traffic_fields() -%}{%- do values.append(given.get(field, 'null')) -%}{%- endfor -%}
    {{- surrogate_key(values) -}}
{% endmacro %}

{% macro traffic_fields() %}
    {{- return([
        'click_id_name', 'utm_source', 'utm_medium', 'utm_campaign', 'referrer_host', 'coupon', 'referral', 'platform',
    ]) -}}
{% endmacro %}
