with path_configurations as (

    select * from {{ ref('path_configurations') }}

),

transformed_configurations as (

    select distinct path_configuration_id
    from {{ ref('path_transforms') }}

),

numbered_configurations as (

    select
        *,
        cast(
            row_number() over (order by path_configuration_id asc nulls last) as integer
        ) as path_configuration_number
    from path_configurations

),

-- Configurations that differ in their transforms alone share the work up to there.
final as (

    select
        numbered_configurations.path_configuration_id,
        numbered_configurations.path_configuration_number,
        numbered_configurations.path_configuration_name,
        numbered_configurations.lookback_days,
        numbered_configurations.lookback_steps,
        numbered_configurations.conversion_kinds,
        numbered_configurations.is_reset_after_conversion,
        transformed_configurations.path_configuration_id is not null as is_transformed,
        min(numbered_configurations.path_configuration_number) over (
            partition by
                numbered_configurations.lookback_days,
                numbered_configurations.lookback_steps,
                numbered_configurations.conversion_kinds,
                numbered_configurations.is_reset_after_conversion
        ) as path_window_number
    from numbered_configurations
    left join transformed_configurations
        on
            numbered_configurations.path_configuration_id
            = transformed_configurations.path_configuration_id

)

select * from final
