{{ config(materialized='replaced') }}
with requests as (

    select * from {{ ref('stg_access_log__requests') }}

),

own_hosts as (

    -- Not of the CTE above: DuckDB would keep all of its rows for a second reader.
    {{ own_site_hosts(ref('stg_access_log__requests')) }}

),

pages_in_order as (

    select
        *,
        lag(requested_at) over (
            partition by visitor_hash
            order by
                requested_at asc nulls last,
                export_rank asc nulls last,
                _source_row_number asc nulls last
        ) as previous_requested_at
    from requests
    where
        is_page
        and requested_at is not null
        and {{ not_before_scope('requested_at', 1) }}
        and (
            {{ within('day', 'requested_at') }}
            or {{ within('day', plus_days('requested_at', 1)) }}
        )

),

-- Only the page that opens a visit is kept: it says where the visitor came from.
first_pages as (

    select *
    from pages_in_order
    where
        {{ within('day', 'requested_at') }}
        and (
            previous_requested_at is null
            or {{ seconds_between('previous_requested_at', 'requested_at') }} >= 1800
        )

),

final as (

    select
        cast('site' as string) as platform_id,
        cast(
            {{ surrogate_key(['first_pages.visitor_hash', 'first_pages.requested_at']) }} as string
        ) as visit_id,
        cast('site_visitor' as string) as identifier_type,
        cast(first_pages.visitor_hash as string) as identifier_value,
        cast(first_pages.utm_source as string) as utm_source,
        cast(first_pages.utm_medium as string) as utm_medium,
        cast(first_pages.utm_campaign as string) as utm_campaign,
        cast(
            case when own_hosts.site_host is null then first_pages.referrer_host end as string
        ) as referrer_host,
        cast(first_pages.click_id_name as string) as click_id_name,
        cast(first_pages.url_path as string) as landing_path,
        first_pages.is_bot,
        cast(first_pages.requested_at as timestamp) as visited_at
    from first_pages
    left join own_hosts
        on first_pages.referrer_host = own_hosts.site_host

)

select * from final
