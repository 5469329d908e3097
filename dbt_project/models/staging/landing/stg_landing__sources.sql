with declared_tables as (

    {{ declared_sources() }}

),

final as (

    select
        source_name,
        table_name,
        expected_within_days
    from declared_tables

)

select * from final
