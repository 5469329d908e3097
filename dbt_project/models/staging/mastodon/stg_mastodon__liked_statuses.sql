with liked_statuses as (

    select * from {{ source('mastodon', 'liked_statuses') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

final as (

    select
        liked_statuses.status_uri,
        {{ mastodon_account('liked_statuses.status_uri') }} as author_account_id,
        loads.exported_at,
        liked_statuses._load_id,
        liked_statuses._source_row_number
    from liked_statuses
    inner join loads on liked_statuses._load_id = loads.load_id

)

select * from final
