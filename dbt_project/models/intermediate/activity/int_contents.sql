with staged_contents as (

    {{ union_staged('contents', [
        'platform_id',
        'content_id',
        'account_id',
        'content_kind',
        'content_url',
        'published_at',
    ]) | indent(4) }}

),

final as (

    select
        {{ surrogate_key(['platform_id', 'content_id']) }} as content_key,
        {{ surrogate_key(['platform_id', "coalesce(account_id, '(unknown)')"]) }} as account_key,
        content_id,
        coalesce(account_id, '(unknown)') as account_id,
        platform_id,
        coalesce(content_kind, '(unknown)') as content_kind,
        content_url,
        {{ reporting_date('published_at') }} as published_date,
        published_at
    from staged_contents

)

select * from final
