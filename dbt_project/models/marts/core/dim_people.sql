with people as (

    select * from {{ ref('int_people') }}

),

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

touchpoints as (

    select * from {{ ref('int_touchpoints') }}

),

conversions as (

    select * from {{ ref('int_conversions') }}

),

spells as (

    select * from {{ ref('int_entanglement_spells') }}

),

identifiers_by_person as (

    select
        people.person_key,
        count(*) as identifier_count,
        min(identifiers.first_seen_at) as first_seen_at
    from people
    inner join identifiers
        on people.identifier_key = identifiers.identifier_key
    group by people.person_key

),

touchpoints_by_person as (

    select
        person_key,
        count(*) as touchpoint_count
    from touchpoints
    where touch_kind <> 'evidence'
    group by person_key

),

conversions_by_person as (

    select
        person_key,
        count(*) as conversion_count
    from conversions
    group by person_key

),

entangled_people as (

    select distinct person_key
    from spells
    where is_open

),

final as (

    select
        identifiers_by_person.person_key,
        cast(identifiers_by_person.identifier_count as bigint) as identifier_count,
        cast(coalesce(touchpoints_by_person.touchpoint_count, 0) as bigint) as touchpoint_count,
        cast(coalesce(conversions_by_person.conversion_count, 0) as bigint) as conversion_count,
        entangled_people.person_key is not null as is_entangled,
        identifiers_by_person.first_seen_at
    from identifiers_by_person
    left join touchpoints_by_person
        on identifiers_by_person.person_key = touchpoints_by_person.person_key
    left join conversions_by_person
        on identifiers_by_person.person_key = conversions_by_person.person_key
    left join entangled_people
        on identifiers_by_person.person_key = entangled_people.person_key

)

select * from final
