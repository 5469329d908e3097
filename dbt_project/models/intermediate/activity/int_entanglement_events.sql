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
listings as (

    select distinct
        account_key,
        entangled_key,
        account_id,
        platform_id,
        identifier_type,
        identifier_value,
        cast(null as {{ dbt.type_string() }}) as spell_id,
        entanglement_event,
        known_as,
        dense_rank() over (
            partition by account_key, identifier_type
            order by {{ reporting_date('occurred_at') }} asc nulls last
        ) as snapshot_number,
        max(occurred_at) over (
            partition by account_key, identifier_type, {{ reporting_date('occurred_at') }}
        ) as occurred_at
    from named_entanglements
    where entanglement_event = 'listed'

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
