with staged_entanglements as (

    {{ union_staged('entanglements', [
        'platform_id',
        'account_id',
        'identifier_type',
        'identifier_value',
        'spell_id',
        'entanglement_event',
        'occurred_at',
        'known_as',
    ]) | indent(4) }}

),

-- A link of nobody we can name is still a link; its own id stands in for the person.
named_entanglements as (

    select
        {{ surrogate_key(['platform_id', "coalesce(account_id, '(unknown)')"]) }} as account_key,
        {{ surrogate_key([
            'platform_id',
            "coalesce(account_id, '(unknown)')",
            'identifier_type',
            'coalesce(identifier_value, spell_id)',
        ]) }} as entangled_key,
        coalesce(account_id, '(unknown)') as account_id,
        platform_id,
        identifier_type,
        identifier_value,
        spell_id,
        entanglement_event,
        known_as,
        occurred_at
    from staged_entanglements

),

-- A list too big for one file is exported in parts, and a part alone would end everyone who stands
-- in the others: all lists of a day are one snapshot.
listings_by_day as (

    select
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        entanglement_event,
        known_as,
        {{ reporting_date('occurred_at') }} as listed_date,
        max(occurred_at) as occurred_at
    from named_entanglements
    where entanglement_event = 'listed'
    group by
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        entanglement_event,
        known_as,
        {{ reporting_date('occurred_at') }}

),

list_days as (

    select
        account_key,
        identifier_type,
        listed_date,
        max(occurred_at) as taken_at,
        lag(listed_date) over (
            partition by account_key, identifier_type order by listed_date asc nulls last
        ) as previously_listed_date,
        lead(listed_date) over (
            partition by account_key, identifier_type order by listed_date asc nulls last
        ) as next_listed_date
    from listings_by_day
    group by account_key, identifier_type, listed_date

),

people_on_lists as (

    select
        account_key,
        identifier_type,
        entangled_key,
        min(case when entanglement_event <> 'ended' then occurred_at end) as first_standing_at,
        max(case when entanglement_event = 'listed' then {{ reporting_date('occurred_at') }} end)
            as last_listed_date
    from named_entanglements
    group by account_key, identifier_type, entangled_key

),

dated_ends as (

    select
        entangled_key,
        occurred_at as ended_at
    from named_entanglements
    where entanglement_event = 'ended' and occurred_at is not null

),

-- Whoever stood before a list and stands on a later one should be on it; for the newest list,
-- whoever was on the one before it and has no dated end.
expected_listings as (

    select
        list_days.account_key,
        list_days.identifier_type,
        list_days.listed_date,
        people_on_lists.entangled_key
    from list_days
    inner join people_on_lists
        on
            list_days.account_key = people_on_lists.account_key
            and list_days.identifier_type = people_on_lists.identifier_type
            and list_days.taken_at > people_on_lists.first_standing_at
            and list_days.listed_date < people_on_lists.last_listed_date

    union all

    select
        list_days.account_key,
        list_days.identifier_type,
        list_days.listed_date,
        earlier_listings.entangled_key
    from list_days
    inner join listings_by_day as earlier_listings
        on
            list_days.account_key = earlier_listings.account_key
            and list_days.identifier_type = earlier_listings.identifier_type
            and list_days.previously_listed_date = earlier_listings.listed_date
    left join dated_ends
        on
            earlier_listings.entangled_key = dated_ends.entangled_key
            and earlier_listings.occurred_at < dated_ends.ended_at
            and list_days.taken_at >= dated_ends.ended_at
    where list_days.next_listed_date is null and dated_ends.entangled_key is null

),

-- A segment, a download that was cut off: a list that lacks more than half of those expected on it
-- is taken for a part. It shows who stood, and ends nobody. Of a handful half may well have left.
days_of_parts as (

    select
        expected_listings.account_key,
        expected_listings.identifier_type,
        expected_listings.listed_date
    from expected_listings
    left join listings_by_day
        on
            expected_listings.entangled_key = listings_by_day.entangled_key
            and expected_listings.listed_date = listings_by_day.listed_date
    group by
        expected_listings.account_key,
        expected_listings.identifier_type,
        expected_listings.listed_date
    having
        count(*) >= {{ var('smallest_list_cut', 20) }}
        and 2 * count(listings_by_day.entangled_key) < count(*)

),

listings as (

    select
        listings_by_day.account_key,
        listings_by_day.entangled_key,
        listings_by_day.account_id,
        listings_by_day.platform_id,
        listings_by_day.identifier_type,
        listings_by_day.identifier_value,
        cast(null as {{ dbt.type_string() }}) as spell_id,
        listings_by_day.entanglement_event,
        listings_by_day.known_as,
        case
            when days_of_parts.listed_date is null
                then
                    dense_rank() over (
                        partition by
                            listings_by_day.account_key,
                            listings_by_day.identifier_type,
                            case when days_of_parts.listed_date is null then 0 else 1 end
                        order by listings_by_day.listed_date asc nulls last
                    )
        end as snapshot_number,
        listings_by_day.occurred_at
    from listings_by_day
    left join days_of_parts
        on
            listings_by_day.account_key = days_of_parts.account_key
            and listings_by_day.identifier_type = days_of_parts.identifier_type
            and listings_by_day.listed_date = days_of_parts.listed_date

),

-- Two exports may tell of one link with different times; the first is when it happened.
starts_and_ends as (

    select
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        spell_id,
        entanglement_event,
        known_as,
        cast(null as bigint) as snapshot_number,
        min(occurred_at) as occurred_at
    from named_entanglements
    where entanglement_event <> 'listed'
    group by
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        spell_id,
        entanglement_event,
        known_as,
        case when spell_id is null then occurred_at end

),

events as (

    select * from listings

    union all

    select * from starts_and_ends

),

final as (

    select
        {{ surrogate_key(['entangled_key', 'spell_id', 'entanglement_event', 'occurred_at']) }}
            as entanglement_event_key,
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        spell_id,
        entanglement_event,
        known_as,
        snapshot_number,
        occurred_at
    from events

)

select * from final
