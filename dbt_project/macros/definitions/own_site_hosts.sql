{#- A relation with one column, site_host: the brand's own hosts, whose referrers lead nowhere. `BALCONY_SITE_HOSTS` (a
    comma list) names them. Else they are the log's virtual hosts and the host whose pages ask for most assets:
    a page's own images and scripts carry its own address as referrer, a link from elsewhere asks for a page. -#}
{% macro own_site_hosts(requests) %}
    {%- set hosts = env_var('BALCONY_SITE_HOSTS', '').split(',') | map('trim') | map('lower') | select | list -%}
    {%- if hosts %}
    {%- for host in hosts %}
    select '{{ host | replace("www.", "", 1) }}' as site_host
    {{- ' union' if not loop.last }}
    {%- endfor %}
    {%- else %}
    select site_host
    from {{ requests }}
    where site_host is not null
    union
    select referrer_host as site_host
    from (
        select
            referrer_host,
            row_number() over (
                order by count(*) desc nulls last, referrer_host asc nulls last
            ) as host_rank
        from {{ requests }}
        where is_asset and referrer_host is not null
        group by referrer_host
    ) as hosts_by_asset_count
    where host_rank = 1
    {%- endif %}
{% endmacro %}
