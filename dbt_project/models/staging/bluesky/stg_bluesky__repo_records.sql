with repo_records as (

    select * from {{ source('bluesky', 'repo_records') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

timed_records as (

    select
        repo_records.*,
        {{ utc_time('bluesky', 'repo_records', 'created_at') }} as claimed_at,
        {{ utc_time('bluesky', 'repo_records', 'committed_at') }} as revised_at,
        loads.exported_at,
        {{ later_export_wins(['did', 'collection', 'rkey']) }} as export_recency
    from repo_records
    inner join loads on repo_records._load_id = loads.load_id

),

-- The app's claim can lie in the future; a record is never younger than the revision that holds it.
final as (

    select
        did,
        collection,
        rkey,
        rev,
        cid,
        'at://' || did || '/' || collection || '/' || rkey as record_uri,
        case when subject like 'at://%' or subject like 'did:%' then subject end as subject,
        reply_parent_uri,
        reply_root_uri,
        quoted_uri,
        facets,
        export_recency = 1 as is_latest_export,
        case when claimed_at < revised_at then claimed_at else revised_at end as created_at,
        revised_at,
        exported_at,
        _load_id,
        _source_row_number
    from timed_records

)

select * from final
