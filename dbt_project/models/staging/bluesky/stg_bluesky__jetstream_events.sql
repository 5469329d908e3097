{%- set event_columns = ['did', 'kind', 'rev', 'collection', 'rkey', 'sequence_number'] -%}

with jetstream_events as (

    select * from {{ source('bluesky', 'jetstream_events') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

latest_events as (

    select
        jetstream_events.*,
        loads.exported_at,
        {{ later_export_wins(event_columns) }} as export_recency
    from jetstream_events
    inner join loads on jetstream_events._load_id = loads.load_id

),

-- Any lexicon can have a subject; only links to accounts and records leave raw.
final as (

    select
        {{ surrogate_key(event_columns) }} as event_key,
        kind as event_kind,
        did,
        operation,
        collection,
        rkey,
        rev,
        'at://' || did || '/' || collection || '/' || rkey as record_uri,
        case when subject like 'at://%' or subject like 'did:%' then subject end as subject,
        reply_parent_uri,
        reply_root_uri,
        quoted_uri,
        facets,
        handle,
        account_status,
        account_is_active = 'true' as is_account_active,
        {{ timestamp_from_micros('time_us') }} as occurred_at,
        exported_at,
        _load_id,
        _source_row_number
    from latest_events
    where export_recency = 1

)

select * from final
