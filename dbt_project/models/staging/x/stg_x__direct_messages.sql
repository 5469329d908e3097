with messages as (

    select * from {{ source('x', 'direct_messages') }}

),

loads as (

    select * from {{ ref('stg_x__loads') }}

),

typed_messages as (

    select
        trim(message_id) as message_id,
        trim(sender_id) as sender_account_id,
        nullif(trim(recipient_id), '') as recipient_account_id,
        {{ utc_time('x', 'direct_messages', 'created_at') }} as sent_at,
        _load_id,
        _source_row_number
    from messages

),

ranked_messages as (

    select
        typed_messages.*,
        loads.account_id,
        {{ later_export_wins(['message_id']) }} as export_recency
    from typed_messages
    inner join loads on typed_messages._load_id = loads.load_id

),

final as (

    select
        message_id,
        account_id,
        sender_account_id,
        recipient_account_id,
        sent_at,
        _load_id,
        _source_row_number
    from ranked_messages
    where export_recency = 1

)

select * from final
