with bookmarked_statuses as (

    select * from {{ source('mastodon', 'bookmarked_statuses') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

final as (

    select
        bookmarked_statuses.status_uri,
        {{ mastodon_account('bookmarked_statuses.status_uri') }} as author_account_id,
        loads.exported_at,
        bookmarked_statuses._load_id,
        bookmarked_statuses._source_row_number
    from bookmarked_statuses
    inner join loads on bookmarked_statuses._load_id = loads.load_id

)

select * from final
