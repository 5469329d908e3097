{%- set fields = [
    'click_id_name',
    'utm_source_medium',
    'utm_source',
    'utm_medium',
    'utm_campaign',
    'referrer_host',
    'coupon',
    'referral',
    'platform',
] -%}
with visits as (

    select * from {{ ref('int_traffic_daily') }}

),

evidence as (
    {{ union_staged('conversion_evidence', [
        'evidence_type',
        'utm_source',
        'utm_medium',
        'utm_campaign',
        'referrer_host',
        'evidence_text',
    ]) }}

),

platforms as (

    select platform_id from {{ ref('platforms') }}

),

channel_rules as (

    select * from {{ ref('channel_rules') }}

),

-- Equal traffic is classified once, however many visits it brought.
traffic as (

    select
        click_id_name,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        cast(null as string) as coupon,
        cast(null as string) as referral,
        cast(null as string) as platform
    from visits

    union

    select
        case when evidence_type = 'click_id' then evidence_text end as click_id_name,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_host,
        case when evidence_type = 'coupon' then evidence_text end as coupon,
        case when evidence_type = 'referral' then evidence_text end as referral,
        cast(null as string) as platform
    from evidence

    union

    select
        cast(null as string) as click_id_name,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        cast(null as string) as referrer_host,
        cast(null as string) as coupon,
        cast(null as string) as referral,
        platform_id as platform
    from platforms

),

-- "source / medium" lets one pattern speak of both, as in web analytics.
comparable_traffic as (

    select
        {{ traffic_key(dict(zip(traffic_fields(), traffic_fields()))) }} as traffic_key,
        lower(trim(click_id_name)) as click_id_name,
        lower(trim(utm_source)) as utm_source,
        lower(trim(utm_medium)) as utm_medium,
        lower(trim(utm_campaign)) as utm_campaign,
        case
            when utm_source is not null and utm_medium is not null
                then concat(lower(trim(utm_source)), ' / ', lower(trim(utm_medium)))
        end as utm_source_medium,
        case
            when lower(trim(referrer_host)) like 'www.%'
                then substring(lower(trim(referrer_host)), 5)
            else lower(trim(referrer_host))
        end as referrer_host,
        lower(trim(coupon)) as coupon,
        lower(trim(referral)) as referral,
        lower(trim(platform)) as platform
    from traffic

),

traffic_by_field as (

    {%- for field in fields %}
    select
        traffic_key,
        '{{ field }}' as field,
        {{ field }} as field_value
    from comparable_traffic
    where {{ field }} <> ''
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

),

distinct_values as (

    select distinct
        field,
        field_value
    from traffic_by_field

),

first_rules_of_values as (

    select
        distinct_values.field,
        distinct_values.field_value,
        min(channel_rules.rule_order) as rule_order
    from distinct_values
    inner join channel_rules
        on
            distinct_values.field = channel_rules.field
            and distinct_values.field_value like lower(channel_rules.pattern)
    group by distinct_values.field, distinct_values.field_value

),

first_rules_of_traffic as (

    select
        traffic_by_field.traffic_key,
        min(first_rules_of_values.rule_order) as rule_order
    from traffic_by_field
    inner join first_rules_of_values
        on
            traffic_by_field.field = first_rules_of_values.field
            and traffic_by_field.field_value = first_rules_of_values.field_value
    group by traffic_by_field.traffic_key

),

final as (

    select
        first_rules_of_traffic.traffic_key,
        channel_rules.channel_id,
        channel_rules.field as matched_field,
        channel_rules.rule_order
    from first_rules_of_traffic
    inner join channel_rules
        on first_rules_of_traffic.rule_order = channel_rules.rule_order

)

select * from final
