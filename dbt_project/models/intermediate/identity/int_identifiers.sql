{{ config(materialized='replaced') }}
with activities as (
    {{ union_staged('activities', ['identifier_type', 'identifier_value', 'occurred_at']) }}

),

entanglements as (
    {{ union_staged('entanglements', ['identifier_type', 'identifier_value', 'occurred_at']) }}

),

conversions as (
    {{ union_staged('conversions', ['identifier_type', 'identifier_value', 'converted_at']) }}

),

visits as (
    {{ union_staged('visits', ['identifier_type', 'identifier_value', 'visited_at']) }}

),

identity_links as (
    {{ union_staged('identity_links', [
        'identifier_type',
        'identifier_value',
        'other_identifier_type',
        'other_identifier_value',
        'linked_at',
    ]) }}

),

sightings as (

    select
        identifier_type,
        identifier_value,
        occurred_at as seen_at
    from activities

    union all

    select
        identifier_type,
        identifier_value,
        occurred_at as seen_at
    from entanglements

    union all

    select
        identifier_type,
        identifier_value,
        converted_at as seen_at
    from conversions

    union all

    select
        identifier_type,
        identifier_value,
        visited_at as seen_at
    from visits

    union all

    select
        identifier_type,
        identifier_value,
        linked_at as seen_at
    from identity_links

    union all

    select
        other_identifier_type as identifier_type,
        other_identifier_value as identifier_value,
        linked_at as seen_at
    from identity_links

),

identifiers as (

    select
        identifier_type,
        identifier_value,
        min(seen_at) as first_seen_at
    from sightings
    where
        identifier_type is not null
        and identifier_value is not null
        and {{ within('identifier', 'identifier_value') }}
    group by identifier_type, identifier_value

),

final as (

    select
        {{ surrogate_key(['identifier_type', 'identifier_value']) }} as identifier_key,
        identifier_type,
        identifier_value,
        first_seen_at
    from identifiers

)

select * from final
