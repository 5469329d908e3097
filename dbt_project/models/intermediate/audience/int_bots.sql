with bot_accounts as (
    {{ union_staged('bot_accounts', ['identifier_type', 'identifier_value']) }}

),

people as (

    select * from {{ ref('int_people') }}

),

final as (

    select distinct people.person_key
    from bot_accounts
    inner join people
        on
            bot_accounts.identifier_type = people.identifier_type
            and bot_accounts.identifier_value = people.identifier_value
    where people.person_key is not null

)

select * from final
