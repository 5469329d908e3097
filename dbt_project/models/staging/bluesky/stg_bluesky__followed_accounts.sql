with repo_records as (

    select * from {{ ref('stg_bluesky__repo_records') }}

),

-- A follow that was taken back is in no later export of the repository.
latest_revisions as (

    select
        did,
        max(rev) as rev
    from repo_records
    group by did

),

final as (

    select distinct
        'bluesky' as platform_id,
        repo_records.did as account_id,
        'bluesky_account' as identifier_type,
        repo_records.subject as identifier_value
    from repo_records
    inner join latest_revisions
        on
            repo_records.did = latest_revisions.did
            and repo_records.rev = latest_revisions.rev
    where
        repo_records.collection = 'app.bsky.graph.follow'
        and repo_records.subject is not null

)

select * from final
