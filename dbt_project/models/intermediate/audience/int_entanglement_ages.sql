with spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

events as (

    select * from {{ ref('int_entanglement_events') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

bots as (

    select * from {{ ref('int_bots') }}

),

followed_accounts as (
    {{ union_staged('followed_accounts', [
        'platform_id',
        'account_id',
        'identifier_type',
        'identifier_value',
    ]) }}

),

following_accounts as (

    select distinct
        platform_id,
        account_id
    from followed_accounts

),

spells_of_people as (

    select spells.*
    from spells
    left join bots on spells.person_key = bots.person_key
    where bots.person_key is null

),

acts_of_people as (

    select
        account_key,
        person_key,
        content_key,
        word,
        activity_date
    from activities
    where is_incoming and known_as = 'person' and count_basis = 'event'

),

named_days as (

    select
        account_key,
        min(activity_date) as named_from_date,
        max(activity_date) as named_to_date
    from acts_of_people
    where content_key is not null
    group by account_key

),

dated_ends as (

    select
        account_key,
        count(*) as dated_end_count
    from events
    where entanglement_event = 'ended'
    group by account_key

),

links_by_account as (

    select
        account_key,
        count(distinct snapshot_number) as snapshot_count,
        max(case when snapshot_number is not null then {{ reporting_date('occurred_at') }} end)
            as last_snapshot_date,
        max({{ reporting_date('occurred_at') }}) as last_event_date
    from events
    group by account_key

),

-- Until when an end would have been told. Where ends have no dates only lists tell, two at least.
accounts as (

    select
        links_by_account.account_key,
        dated_ends.dated_end_count is not null as has_dated_ends,
        named_days.named_from_date,
        named_days.named_to_date,
        case
            when dated_ends.dated_end_count is null and links_by_account.snapshot_count > 1
                then links_by_account.last_snapshot_date
            when
                dated_ends.dated_end_count is not null
                and named_days.named_to_date > links_by_account.last_event_date
                then named_days.named_to_date
            when dated_ends.dated_end_count is not null then links_by_account.last_event_date
        end as ends_known_to_date
    from links_by_account
    left join dated_ends on links_by_account.account_key = dated_ends.account_key
    left join named_days on links_by_account.account_key = named_days.account_key

),

-- Who left before the first list was never on one, so those on it have survived until then.
first_listings as (

    select
        spells_of_people.spell_key,
        min({{ reporting_date('events.occurred_at') }}) as first_listed_date
    from spells_of_people
    inner join events
        on
            spells_of_people.account_key = events.account_key
            and spells_of_people.identifier_type = events.identifier_type
            and spells_of_people.identifier_value = events.identifier_value
            and spells_of_people.started_date <= {{ reporting_date('events.occurred_at') }}
    where
        events.entanglement_event = 'listed'
        and spells_of_people.start_known_as = 'reported'
        and (
            spells_of_people.is_open
            or spells_of_people.ended_date >= {{ reporting_date('events.occurred_at') }}
        )
    group by spells_of_people.spell_key

),

acts_in_spells as (

    select
        spells_of_people.spell_key,
        min(case when acts_of_people.word = 'engagement' then acts_of_people.activity_date end)
            as first_engaged_date,
        max(acts_of_people.activity_date) as last_acted_date
    from spells_of_people
    inner join acts_of_people
        on
            spells_of_people.account_key = acts_of_people.account_key
            and spells_of_people.person_key = acts_of_people.person_key
            and spells_of_people.first_standing_date <= acts_of_people.activity_date
    where
        spells_of_people.is_open
        or spells_of_people.ended_date >= acts_of_people.activity_date
    group by spells_of_people.spell_key

),

-- How many of the weeks in which someone was linked on Monday they engaged in.
engaged_weeks as (

    select
        spells_of_people.spell_key,
        count(distinct date_trunc('week', acts_of_people.activity_date)) as engaged_week_count
    from spells_of_people
    inner join acts_of_people
        on
            spells_of_people.account_key = acts_of_people.account_key
            and spells_of_people.person_key = acts_of_people.person_key
            and spells_of_people.first_standing_date
            <= date_trunc('week', acts_of_people.activity_date)
    inner join named_days
        on
            spells_of_people.account_key = named_days.account_key
            and named_days.named_from_date <= date_trunc('week', acts_of_people.activity_date)
    where
        acts_of_people.word = 'engagement'
        and (
            spells_of_people.is_open
            or spells_of_people.ended_date >= date_trunc('week', acts_of_people.activity_date)
        )
    group by spells_of_people.spell_key

),

purchases as (

    select
        person_key,
        identifier_type,
        converted_date
    from conversions
    where
        conversion_kind in ('order', 'payment')
        and not is_fully_reversed
        and person_key is not null

),

kinds_on_purchases as (

    select
        identifier_type,
        max(max(converted_date)) over () as converted_to_date
    from purchases
    group by identifier_type

),

first_purchases as (

    select
        spells_of_people.spell_key,
        min(purchases.converted_date) as first_converted_date
    from spells_of_people
    inner join purchases
        on
            spells_of_people.person_key = purchases.person_key
            and spells_of_people.started_date <= purchases.converted_date
    group by spells_of_people.spell_key

),

spells_with_dates as (

    select
        spells_of_people.spell_key,
        spells_of_people.platform_id,
        spells_of_people.is_open,
        case
            when following_accounts.account_id is not null
                then followed_accounts.identifier_value is not null
        end as is_returned,
        spells_of_people.started_date is not null
        and (spells_of_people.is_open or spells_of_people.ended_date is not null)
        and (
            spells_of_people.start_known_as = 'reported'
            or spells_of_people.start_window_days <= 31
        ) as has_age,
        spells_of_people.first_standing_date,
        spells_of_people.started_date,
        case
            when not accounts.has_dated_ends and accounts.ends_known_to_date is not null
                then coalesce(first_listings.first_listed_date, spells_of_people.started_date)
        end as known_since_date,
        spells_of_people.ended_date,
        coalesce(spells_of_people.end_window_days, 0) as end_window_days,
        accounts.ends_known_to_date,
        accounts.named_from_date,
        accounts.named_to_date,
        acts_in_spells.first_engaged_date,
        acts_in_spells.last_acted_date,
        coalesce(engaged_weeks.engaged_week_count, 0) as engaged_week_count,
        first_purchases.first_converted_date,
        kinds_on_purchases.converted_to_date
    from spells_of_people
    inner join accounts on spells_of_people.account_key = accounts.account_key
    left join first_listings on spells_of_people.spell_key = first_listings.spell_key
    left join acts_in_spells on spells_of_people.spell_key = acts_in_spells.spell_key
    left join engaged_weeks on spells_of_people.spell_key = engaged_weeks.spell_key
    left join first_purchases on spells_of_people.spell_key = first_purchases.spell_key
    left join kinds_on_purchases
        on spells_of_people.identifier_type = kinds_on_purchases.identifier_type
    left join following_accounts
        on
            spells_of_people.platform_id = following_accounts.platform_id
            and spells_of_people.account_id = following_accounts.account_id
    left join followed_accounts
        on
            spells_of_people.platform_id = followed_accounts.platform_id
            and spells_of_people.account_id = followed_accounts.account_id
            and spells_of_people.identifier_type = followed_accounts.identifier_type
            and spells_of_people.identifier_value = followed_accounts.identifier_value

),

final as (

    select
        spell_key,
        platform_id,
        case when has_age then {{ month_of('started_date') }} end as cohort_month,
        has_age,
        ends_known_to_date is not null as has_known_ends,
        named_to_date is not null as has_named_acts,
        converted_to_date is not null as is_matchable,
        is_open,
        is_returned,
        case
            when known_since_date > started_date
                then {{ days_between('started_date', 'known_since_date') }} + 1
            else 0
        end as entry_age_days,
        {{ days_between('started_date', 'ended_date') }} as withdrawal_age_days,
        end_window_days,
        {{ days_between('started_date', 'ends_known_to_date') }} as withdrawal_horizon_age_days,
        {{ days_between('started_date', 'first_engaged_date') }} as engagement_age_days,
        {{ days_between('started_date', 'named_to_date') }} as engagement_horizon_age_days,
        {{ days_between('started_date', 'first_converted_date') }} as conversion_age_days,
        {{ days_between('started_date', 'converted_to_date') }} as conversion_horizon_age_days,
        engaged_week_count,
        first_standing_date,
        -- Whoever left before the first list would not be known: until then nobody could be lost.
        case
            when known_since_date > first_standing_date then known_since_date
            else first_standing_date
        end as watched_from_date,
        ended_date,
        ends_known_to_date,
        named_from_date,
        named_to_date,
        last_acted_date
    from spells_with_dates

)

select * from final
