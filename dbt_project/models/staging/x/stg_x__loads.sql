with exports as (

    select * from {{ ref('stg_x__exports') }}

),

exports_by_recency as (

    select
        *,
        row_number() over (
            partition by load_id order by exported_at desc nulls last, account_id asc nulls last
        ) as recency
    from exports

),

final as (

    select
        load_id,
        account_id,
        table_name,
        row_number() over (
            partition by table_name
            order by exported_at asc nulls first, landed_export_rank asc nulls first
        ) as export_rank,
        exported_at
    from exports_by_recency
    where recency = 1

)

select * from final
