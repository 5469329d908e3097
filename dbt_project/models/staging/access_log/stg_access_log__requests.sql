{{ config(materialized='replaced') }}
{%- set line_columns = [
    'site_host', 'remote_address', 'remote_identity', 'remote_user', 'requested_at', 'request_line',
    'status_code', 'response_bytes', 'referrer', 'user_agent',
] -%}
with requests as (

    select * from {{ source('access_log', 'requests') }}
    where
        {{ within_days_of('loads', '_load_id') }}
        and {{ within('day', utc_time('access_log', 'requests', 'requested_at')) }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

bot_user_agents as (

    select * from {{ ref('bot_user_agents') }}

),

order_pages as (

    select * from {{ ref('order_pages') }}

),

lines_hashed as (

    select
        *,
        {{ surrogate_key(line_columns) }} as line_hash
    from requests

),

lines_numbered as (

    select
        *,
        row_number() over (
            partition by _load_id, line_hash
            order by _source_row_number asc nulls last
        ) as line_occurrence
    from lines_hashed

),

-- Overlapping logs hold the same lines; equal lines of one log are as many requests.
lines_by_recency as (

    select
        lines_numbered.*,
        loads.export_rank,
        {{ later_export_wins(['line_hash', 'line_occurrence']) }} as export_recency
    from lines_numbered
    inner join loads
        on lines_numbered._load_id = loads.load_id

),

requests_typed as (

    select
        lines_by_recency._load_id,
        lines_by_recency._source_row_number,
        lines_by_recency.export_rank,
        {{ surrogate_key(['line_hash', 'line_occurrence']) }} as request_id,
        -- 128 of 256 bits: of a billion visitors two share them with a chance of 10^-21, and every
        -- night looks the hash up in tables of all visits.
        left({{ sha256_hex(
            "concat(identity_keys.key_text, ':', lines_by_recency.remote_address, ':', "
            ~ "coalesce(lines_by_recency.user_agent, ''))"
        ) }}, 32) as visitor_hash,
        {{ url_host('lines_by_recency.site_host') }} as site_host,
        {{ regexp_group('lines_by_recency.request_line', '^([A-Z]+) ') }} as request_method,
        {{ regexp_group(
            'lines_by_recency.request_line', '^[A-Z]+ (?:https?://[^/?# ]*)?([^ ]+)'
        ) }} as request_target,
        cast(lines_by_recency.status_code as integer) as status_code,
        {{ url_host('lines_by_recency.referrer') }} as referrer_host,
        lower(lines_by_recency.user_agent) as user_agent,
        {{ utc_time('access_log', 'requests', 'requested_at', 'lines_by_recency') }} as requested_at
    from lines_by_recency
    cross join identity_keys
    where lines_by_recency.export_recency = 1

),

requests_with_kind as (

    select
        *,
        {{ regexp_group('request_target', '^([^?#]*)') }} as url_path,
        coalesce({{ regexp_matches_text(
            'lower(request_target)',
            '^[^?#]*[.](css|js|mjs|map|json|xml|rss|atom|txt|ico|png|jpe?g|gif|webp|avif|svg|bmp'
            ~ '|woff2?|ttf|eot|otf|mp3|mp4|webm|ogg)([?#]|$)',
        ) }}, false) as is_asset
    from requests_typed

),

user_agents as (

    select distinct user_agent
    from requests_typed

),

bots as (

    select distinct user_agents.user_agent
    from user_agents
    inner join bot_user_agents
        on user_agents.user_agent like concat('%', lower(bot_user_agents.pattern), '%')

),

page_targets as (

    select distinct request_target
    from requests_with_kind
    where not is_asset

),

orders_on_pages as (

    select
        page_targets.request_target,
        order_pages.page_order,
        nullif(
            regexp_extract(page_targets.request_target, order_pages.pattern, 1), ''
        ) as order_name
    from page_targets
    inner join order_pages
        on page_targets.request_target like concat('%', order_pages.holds, '%')

),

orders_by_page_order as (

    select
        request_target,
        order_name,
        row_number() over (
            partition by request_target
            order by order_name is null asc nulls last, page_order asc nulls last
        ) as pattern_position
    from orders_on_pages

),

final as (

    select
        requests_with_kind.request_id,
        requests_with_kind.visitor_hash,
        requests_with_kind.site_host,
        requests_with_kind.request_method,
        {{ without_address('requests_with_kind.url_path') }} as url_path,
        {%- for parameter in ['utm_source', 'utm_medium', 'utm_campaign'] %}
        {{ without_address(url_parameter('requests_with_kind.request_target', parameter)) }}
            as {{ parameter }},
        {%- endfor %}
        {{ regexp_group(
            'requests_with_kind.request_target', '[?&;](' ~ click_id_names() ~ ')=[^&#]'
        ) }} as click_id_name,
        requests_with_kind.referrer_host,
        {{ shop_order_name('orders_by_page_order.order_name') }} as order_name,
        requests_with_kind.status_code,
        requests_with_kind.is_asset,
        coalesce(
            requests_with_kind.request_method = 'GET'
            and (
                requests_with_kind.status_code = 200
                or requests_with_kind.status_code between 300 and 399
            )
            and not requests_with_kind.is_asset,
            false
        ) as is_page,
        -- A browser always names itself; a log without the field is blank instead.
        bots.user_agent is not null
        or coalesce(requests_with_kind.user_agent = '-', false) as is_bot,
        requests_with_kind.requested_at,
        requests_with_kind.export_rank,
        requests_with_kind._load_id,
        requests_with_kind._source_row_number
    from requests_with_kind
    left join bots
        on requests_with_kind.user_agent = bots.user_agent
    left join orders_by_page_order
        on
            requests_with_kind.request_target = orders_by_page_order.request_target
            and orders_by_page_order.pattern_position = 1

)

select * from final
