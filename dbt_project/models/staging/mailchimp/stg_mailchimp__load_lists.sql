with landed_loads as (

    select * from {{ ref('stg_landing__loads') }}
    where source_name = 'mailchimp' and load_status = 'landed'

),

files as (

    select * from {{ ref('stg_landing__files') }}

),

member_states as (

    select * from {{ ref('stg_mailchimp__member_states') }}

),

paths as (

    select
        landed_loads.load_id,
        landed_loads.table_name,
        case
            when files.member_name <> '' then concat(files.file_name, '/', files.member_name)
            else files.file_name
        end as file_path
    from landed_loads
    inner join files on landed_loads.load_id = files.load_id

),

-- The files of one export lie in one archive or folder, and end in the same id where they kept the
-- names that Mailchimp gave them.
places as (

    select
        load_id,
        table_name,
        concat(
            coalesce({{ regexp_group('file_path', '^(.*/)[^/]*$') }}, ''),
            coalesce({{ regexp_group('file_path', '_export_([0-9A-Za-z]+)[^/]*$') }}, '')
        ) as export_place,
        {{ regexp_matches_text('file_path', '(?i)(^|/)nonsubscribed[^/]*$') }}
            as is_of_nonsubscribed,
        {{ regexp_matches_text('file_path', '(?i)segment[^/]*$') }} as is_of_segment
    from paths

),

-- Contacts who never subscribed have a file of the same columns as the subscribed.
loads_of_members as (

    select
        landed_loads.load_id,
        landed_loads.table_name,
        landed_loads.file_sha256,
        landed_loads.exported_at,
        max(case when places.is_of_segment then 1 else 0 end) = 0
        and landed_loads.rows_quarantined_count = 0 as is_whole
    from landed_loads
    inner join places on landed_loads.load_id = places.load_id
    group by
        landed_loads.load_id,
        landed_loads.table_name,
        landed_loads.file_sha256,
        landed_loads.exported_at,
        landed_loads.rows_quarantined_count
    having max(case when places.is_of_nonsubscribed then 1 else 0 end) = 0

),

newest_times as (

    select
        _load_id,
        max(coalesce(state_since_at, confirmed_at, opted_in_at)) as told_until
    from member_states
    group by _load_id

),

-- With two lists in one place nobody knows which of the other files came with which.
exports_with_one_list as (

    select
        places.export_place,
        min(case when loads_of_members.table_name = 'subscribed' then places.load_id end)
            as list_load_id,
        max(newest_times.told_until) as told_until
    from places
    inner join loads_of_members on places.load_id = loads_of_members.load_id
    left join newest_times on places.load_id = newest_times._load_id
    group by places.export_place
    having
        count(
            distinct case when loads_of_members.table_name = 'subscribed' then places.load_id end
        ) = 1

),

-- A list is as late as the newest thing that its export tells, an end in another file of it
-- included. A list that lies in two places is no later than either says.
export_times as (

    select
        list_load_id,
        min(told_until) as told_until
    from exports_with_one_list
    group by list_load_id

),

-- A list is its own list; what ends a subscription goes with the list beside it.
final as (

    select
        loads_of_members.load_id,
        loads_of_members.load_id as list_load_id,
        loads_of_members.file_sha256,
        loads_of_members.is_whole as is_whole_list,
        coalesce(
            export_times.told_until, newest_times.told_until, loads_of_members.exported_at
        ) as exported_at
    from loads_of_members
    left join newest_times on loads_of_members.load_id = newest_times._load_id
    left join export_times on loads_of_members.load_id = export_times.list_load_id
    where loads_of_members.table_name = 'subscribed'

    union distinct

    select
        loads_of_members.load_id,
        exports_with_one_list.list_load_id,
        loads_of_members.file_sha256,
        false as is_whole_list,
        loads_of_members.exported_at
    from loads_of_members
    left join places on loads_of_members.load_id = places.load_id
    left join exports_with_one_list on places.export_place = exports_with_one_list.export_place
    where loads_of_members.table_name <> 'subscribed'

)

select * from final
