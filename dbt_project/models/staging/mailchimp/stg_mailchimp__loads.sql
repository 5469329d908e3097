with load_lists as (

    select * from {{ ref('stg_mailchimp__load_lists') }}

),

member_states as (

    select * from {{ ref('stg_mailchimp__member_states') }}

),

lists as (

    select
        load_id,
        file_sha256,
        exported_at as listed_at
    from load_lists
    where load_id = list_load_id

),

listings as (

    select
        _load_id as load_id,
        subscription_id
    from member_states
    where member_state = 'subscribed'

),

{{ newsletter_accounts() }},

-- A file that lies beside two lists is of the audience with the earlier one.
final as (

    select
        load_lists.load_id,
        min(list_accounts.account_id) as account_id,
        load_lists.file_sha256,
        load_lists.is_whole_list,
        load_lists.exported_at
    from load_lists
    left join list_accounts on load_lists.list_load_id = list_accounts.load_id
    group by
        load_lists.load_id,
        load_lists.file_sha256,
        load_lists.is_whole_list,
        load_lists.exported_at

)

select * from final
