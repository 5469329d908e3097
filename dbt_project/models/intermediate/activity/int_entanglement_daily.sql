with events as (

    select * from {{ ref('int_entanglement_events') }}

),

spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

staged_totals as (

    {{ union_staged('entanglement_totals', [
        'platform_id',
        'account_id',
        'entanglement_date',
        'started_count',
        'withdrawn_count',
        'net_count',
        'is_provisional',
    ]) | indent(4) }}

),

listed_days as (

    select
        platform_id,
        account_id,
        {{ reporting_date('occurred_at') }} as entanglement_date,
        min(snapshot_number) as snapshot_number,
        count(*) as standing_count
    from events
    where entanglement_event = 'listed' and snapshot_number is not null
    group by platform_id, account_id, {{ reporting_date('occurred_at') }}

),

-- shows_change: the first snapshot lists who is there and says nothing about who came or went.
changes as (

    select
        platform_id,
        account_id,
        started_date as entanglement_date,
        1 as started_count,
        0 as withdrawn_count,
        0 as standing_change,
        1 as shows_change
    from spells
    where started_date is not null

    union all

    select
        platform_id,
        account_id,
        ended_date as entanglement_date,
        0 as started_count,
        1 as withdrawn_count,
        case when first_standing_date is null then 0 else -1 end as standing_change,
        1 as shows_change
    from spells
    where ended_date is not null

    union all

    select
        platform_id,
        account_id,
        first_standing_date as entanglement_date,
        0 as started_count,
        0 as withdrawn_count,
        1 as standing_change,
        0 as shows_change
    from spells
    where first_standing_date is not null

    union all

    select
        platform_id,
        account_id,
        entanglement_date,
        0 as started_count,
        0 as withdrawn_count,
        0 as standing_change,
        case when snapshot_number > 1 then 1 else 0 end as shows_change
    from listed_days

),

changes_by_day as (

    select
        platform_id,
        account_id,
        entanglement_date,
        sum(started_count) as started_count,
        sum(withdrawn_count) as withdrawn_count,
        sum(standing_change) as standing_change,
        max(shows_change) as shows_change
    from changes
    group by platform_id, account_id, entanglement_date

),

-- What a source could have shown: where none ever tells of an end (Mastodon) it must not look as if
-- nobody left.
spells_by_account as (

    select
        platform_id,
        account_id,
        count(started_at) as dated_start_count,
        sum(case when is_open then 0 else 1 end) as end_count
    from spells
    group by platform_id, account_id

),

snapshots_by_account as (

    select
        platform_id,
        account_id,
        count(*) as snapshot_count,
        min(entanglement_date) as first_snapshot_date,
        max(entanglement_date) as last_snapshot_date
    from listed_days
    group by platform_id, account_id

),

-- How many stand is known from the first list of everyone to the last, not before it and not after.
derived_days as (

    select
        changes_by_day.platform_id,
        changes_by_day.account_id,
        changes_by_day.entanglement_date,
        case
            when
                changes_by_day.shows_change = 1
                and (
                    spells_by_account.dated_start_count > 0
                    or snapshots_by_account.snapshot_count > 1
                )
                then changes_by_day.started_count
        end as started_count,
        case
            when
                changes_by_day.shows_change = 1
                and (
                    spells_by_account.end_count > 0 or snapshots_by_account.snapshot_count > 1
                )
                then changes_by_day.withdrawn_count
        end as withdrawn_count,
        case
            when
                changes_by_day.entanglement_date between
                snapshots_by_account.first_snapshot_date and snapshots_by_account.last_snapshot_date
                then
                    sum(changes_by_day.standing_change) over (
                        partition by changes_by_day.platform_id, changes_by_day.account_id
                        order by changes_by_day.entanglement_date asc nulls last
                        rows between unbounded preceding and current row
                    )
        end as standing_count
    from changes_by_day
    inner join spells_by_account
        on
            changes_by_day.platform_id = spells_by_account.platform_id
            and changes_by_day.account_id = spells_by_account.account_id
    left join snapshots_by_account
        on
            changes_by_day.platform_id = snapshots_by_account.platform_id
            and changes_by_day.account_id = snapshots_by_account.account_id

),

days as (

    select
        platform_id,
        account_id,
        entanglement_date,
        'derived' as known_as,
        started_count,
        withdrawn_count,
        started_count - withdrawn_count as net_count,
        standing_count,
        false as is_provisional
    from derived_days

    union all

    select
        platform_id,
        account_id,
        entanglement_date,
        'listed' as known_as,
        null as started_count,
        null as withdrawn_count,
        null as net_count,
        standing_count,
        false as is_provisional
    from listed_days

    union all

    select
        platform_id,
        coalesce(account_id, '(unknown)') as account_id,
        entanglement_date,
        'reported' as known_as,
        started_count,
        withdrawn_count,
        coalesce(net_count, started_count - withdrawn_count) as net_count,
        null as standing_count,
        is_provisional
    from staged_totals

),

final as (

    select
        {{ surrogate_key(['platform_id', 'account_id', 'entanglement_date', 'known_as']) }}
            as entanglement_day_key,
        {{ surrogate_key(['platform_id', 'account_id']) }} as account_key,
        account_id,
        platform_id,
        known_as,
        cast(started_count as bigint) as started_count,
        cast(withdrawn_count as bigint) as withdrawn_count,
        cast(net_count as bigint) as net_count,
        cast(standing_count as bigint) as standing_count,
        is_provisional,
        entanglement_date
    from days

)

select * from final
