with contents as (

    select * from {{ ref('stg_mastodon__contents') }}

),

numbered_contents as (

    select
        {{ regexp_group('content_id', '/statuses/([0-9]+)$') }} as status_number,
        content_id,
        account_id
    from contents

),

-- A number that two servers gave to two statuses names neither.
final as (

    select
        status_number,
        min(content_id) as content_id,
        min(account_id) as account_id
    from numbered_contents
    where status_number is not null
    group by status_number
    having count(*) = 1

)

select * from final
