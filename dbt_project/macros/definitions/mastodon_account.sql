{#- An account as user@host, lower case. A server writes its own accounts without a host, so that of their URL is added:
    ('https://a.example/@Ann', 'Ann') and ('https://a.example/users/Ann/statuses/1') are ann@a.example, while a remote
    handle keeps its own host. Null where the URL names no user, as in https://a.example/ap/users/1. -#}
{% macro mastodon_account(url, handle=none) %}
    {%- set user = handle or regexp_group(url, '^https?://[^/]+/(users/|@)([^/@]+)(/|$)', 2) | trim -%}
    {%- set local = "lower(" ~ user ~ " || '@' || " ~ regexp_group(url, '^https?://([^/]+)') | trim ~ ")" -%}
    {%- if handle -%}
        case when {{ handle }} like '%@%' then lower({{ handle }}) else {{ local }} end
    {%- else -%}
        {{ local }}
    {%- endif -%}
{% endmacro %}
