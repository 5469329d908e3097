with path_configurations as (

    select * from {{ ref('path_configurations') }}

),

transformed_configurations as (

    select distinct path_configuration_id
    from {{ ref('path_transforms') }}

),

-- Configurations that differ in their transforms alone share the work up to there.
final as (

    select
        path_configurations.path_configuration_id,
        path_configurations.path_configuration_name,
        path_configurations.lookback_days,
        path_configurations.lookback_steps,
        path_configurations.conversion_kinds,
        path_configurations.is_reset_after_conversion,
        transformed_configurations.path_configuration_id is not null as is_transformed,
        min(path_configurations.path_configuration_id) over (
            partition by
                path_configurations.lookback_days,
                path_configurations.lookback_steps,
                path_configurations.conversion_kinds,
                path_configurations.is_reset_after_conversion
        ) as path_window_id
    from path_configurations
    left join transformed_configurations
        on
            path_configurations.path_configuration_id
            = transformed_configurations.path_configuration_id

)

select * from final
