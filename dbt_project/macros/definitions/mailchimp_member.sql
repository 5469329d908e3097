{#- Which member a row of an audience export is about: LEID, which is the member's within the audience and stays when the
    address changes, else EUID, else the address. -#}
{% macro mailchimp_member(relation) %}
    coalesce(
        nullif(trim({{ relation }}.leid), ''),
        nullif(trim({{ relation }}.euid), ''),
        {{ person_hash(relation ~ '.email_address') }}
    )
{%- endmacro %}
