with member_states as (

    select * from {{ ref('stg_mailchimp__member_states') }}

),

loads as (

    select * from {{ ref('stg_mailchimp__loads') }}

),

states_with_exports as (

    select
        member_states._load_id,
        member_states.subscription_id,
        member_states.email_hash,
        member_states.member_state,
        member_states.ended_at,
        member_states.state_since_at,
        loads.account_id,
        case when member_states.member_state = 'subscribed' then loads.account_id end
            as listed_account_id,
        coalesce(member_states.opted_in_at, member_states.confirmed_at) as signed_up_at,
        case
            when
                member_states.confirmed_at > member_states.opted_in_at
                and (
                    member_states.ended_at is null
                    or member_states.ended_at >= member_states.confirmed_at
                )
                then member_states.confirmed_at
            else coalesce(member_states.opted_in_at, member_states.confirmed_at)
        end as subscribed_at,
        coalesce(member_states.state_since_at, loads.exported_at) as known_since_at,
        loads.file_sha256
    from member_states
    inner join loads on member_states._load_id = loads.load_id

),

-- The dates in the rows order the states, not those of the files: the three files of one export
-- cover different days. A row without a change date says nothing about when: a dated end wins.
states_by_recency as (

    select
        _load_id,
        subscription_id,
        coalesce(
            max(listed_account_id) over (partition by subscription_id),
            max(account_id) over (partition by subscription_id),
            'newsletter'
        ) as account_id,
        email_hash,
        member_state,
        ended_at,
        coalesce(
            signed_up_at,
            min(known_since_at) over (partition by subscription_id)
        ) as signed_up_at,
        min(subscribed_at) over (partition by subscription_id) as subscribed_at,
        row_number() over (
            partition by subscription_id
            order by
                state_since_at desc nulls last,
                ended_at desc nulls last,
                known_since_at desc nulls last,
                file_sha256 desc nulls last
        ) as state_recency
    from states_with_exports

),

final as (

    select
        subscription_id,
        account_id,
        email_hash,
        member_state,
        signed_up_at,
        subscribed_at,
        ended_at,
        _load_id
    from states_by_recency
    where state_recency = 1

)

select * from final
