with contents as (

    select * from {{ ref('int_contents') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

metrics as (

    select * from {{ ref('int_metrics') }}

),

mentions_of_content as (

    select
        content_key,
        account_key,
        content_id,
        platform_id
    from activities
    where content_key is not null

    union distinct

    select
        content_key,
        account_key,
        content_id,
        platform_id
    from metrics
    where content_key is not null

),

content_without_record as (

    select
        mentions_of_content.content_key,
        min(mentions_of_content.account_key) as account_key,
        mentions_of_content.content_id,
        mentions_of_content.platform_id
    from mentions_of_content
    left join contents on mentions_of_content.content_key = contents.content_key
    where contents.content_key is null
    group by
        mentions_of_content.content_key,
        mentions_of_content.content_id,
        mentions_of_content.platform_id

),

final as (

    select
        content_key,
        account_key,
        content_id,
        platform_id,
        content_kind,
        content_url,
        true as has_record,
        published_date,
        published_at
    from contents

    union all

    select
        content_key,
        account_key,
        content_id,
        platform_id,
        '(unknown)' as content_kind,
        cast(null as {{ dbt.type_string() }}) as content_url,
        false as has_record,
        cast(null as date) as published_date,
        cast(null as timestamp) as published_at
    from content_without_record

)

select * from final
