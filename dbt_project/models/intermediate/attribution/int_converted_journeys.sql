{{ config(materialized='replaced') }}
with conversions as (

    select * from {{ ref('int_conversions') }}
    where {{ within('conversion', 'conversion_key') }}

),

link_states as (

    select * from {{ ref('int_conversion_link_states') }}

),

touches as (

    select * from {{ ref('int_conversion_touches') }}
    where {{ within('conversion', 'conversion_key') }}

),

path_configurations as (

    select * from {{ ref('int_path_configurations') }}

),

paths as (

    select
        path_configuration_id,
        conversion_key,
        {{ path_of_touches() }} as journey_path,
        count(*) as path_length,
        max(case when is_capped then 1 else 0 end) = 1 as is_capped
    from touches
    group by path_configuration_id, conversion_key

),

final as (

    select
        path_configurations.path_configuration_id,
        conversions.conversion_key,
        conversions.person_key,
        conversions.conversion_kind,
        coalesce(paths.journey_path, '') as journey_path,
        link_states.link_state,
        coalesce(paths.path_length, 0) as path_length,
        coalesce(paths.is_capped, false) as is_capped,
        cast(case when conversions.is_fully_reversed then 0 else 1 end as decimal(18, 6))
            as net_count,
        cast(conversions.net_amount_reporting as decimal(18, 2)) as net_amount_reporting,
        conversions.converted_date
    from conversions
    inner join link_states
        on conversions.conversion_key = link_states.conversion_key
    cross join path_configurations
    left join paths
        on
            conversions.conversion_key = paths.conversion_key
            and path_configurations.path_configuration_id = paths.path_configuration_id
    where {{ is_of_kinds('path_configurations') }}

)

select * from final
