{{ config(materialized='replaced') }}
with staged_links as (
    {{ union_staged(
        'identity_links',
        link_columns(),
        within={'identifier_value': 'value', 'other_identifier_value': 'value'}
    ) }}

),

links_with_both_ends as (

    select
        {{ surrogate_key(['identifier_type', 'identifier_value']) }} as identifier_key,
        {{ surrogate_key(['other_identifier_type', 'other_identifier_value']) }}
            as other_identifier_key,
        link_reason,
        linked_at
    from staged_links
    where
        identifier_type is not null
        and identifier_value is not null
        and other_identifier_type is not null
        and other_identifier_value is not null

),

-- A link has no direction: the smaller key stands first, so that a pair is one row however often
-- it was seen.
pairs as (

    select
        least(identifier_key, other_identifier_key) as identifier_key,
        greatest(identifier_key, other_identifier_key) as other_identifier_key,
        link_reason,
        min(linked_at) as linked_at
    from links_with_both_ends
    where
        identifier_key <> other_identifier_key
        and (
            {{ within('identifier', 'identifier_key') }}
            or {{ within('identifier', 'other_identifier_key') }}
        )
    group by
        least(identifier_key, other_identifier_key),
        greatest(identifier_key, other_identifier_key),
        link_reason

),

final as (

    select
        {{ surrogate_key(['identifier_key', 'other_identifier_key', 'link_reason']) }}
            as identity_link_key,
        identifier_key,
        other_identifier_key,
        link_reason,
        linked_at
    from pairs

)

select * from final
