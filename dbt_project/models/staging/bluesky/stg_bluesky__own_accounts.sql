with repo_records as (

    select * from {{ ref('stg_bluesky__repo_records') }}

),

final as (

    select distinct did as account_id
    from repo_records

)

select * from final
