{#- Which member a row of an audience export is about: EUID, else LEID, else the address. -#}
{% macro mailchimp_member(relation) %}
    coalesce(
        nullif(trim({{ relation }}.euid), ''),
        nullif(trim({{ relation }}.leid), ''),
        {{ person_hash(relation ~ '.email_address') }}
    )
{%- endmacro %}
