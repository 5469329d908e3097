with staged_evidence as (
    {{ union_staged('conversion_evidence', [
        'platform_id',
        'conversion_id',
        'evidence_type',
        'evidence_text',
    ]) }}

),

conversions as (

    select
        conversion_key,
        platform_id,
        converted_date
    from {{ ref('int_conversions') }}
    where conversion_kind in ('order', 'payment') and not is_fully_reversed

),

aliases as (

    select * from {{ ref('int_conversion_aliases') }}

),

coupons as (

    select * from {{ ref('coupons') }}

),

canary_codes as (

    select * from {{ ref('canary_codes') }}

),

staged_codes as (

    select
        {{ surrogate_key(['platform_id', 'conversion_id']) }} as recorded_conversion_key,
        lower(trim(evidence_text)) as coupon_code
    from staged_evidence
    where evidence_type = 'coupon'

),

used_codes as (

    select distinct
        conversions.conversion_key,
        conversions.platform_id,
        conversions.converted_date,
        staged_codes.coupon_code
    from staged_codes
    left join aliases
        on staged_codes.recorded_conversion_key = aliases.alias_conversion_key
    inner join conversions
        on
            coalesce(aliases.conversion_key, staged_codes.recorded_conversion_key)
            = conversions.conversion_key

),

platforms_with_codes as (

    select distinct platform_id from used_codes

),

-- Conversions whose platform shows codes could have carried any of them.
exposed_days as (

    select
        conversions.converted_date,
        count(*) as conversion_count
    from conversions
    inner join platforms_with_codes
        on conversions.platform_id = platforms_with_codes.platform_id
    group by conversions.converted_date

),

-- A code that is published from the start has no day before.
first_publications as (

    select
        lower(trim(coupon_code)) as coupon_code,
        min(coalesce(valid_from, date '1900-01-01')) as published_date
    from coupons
    group by lower(trim(coupon_code))

),

watched_codes as (

    select
        'canary' as leak_method,
        lower(trim(coupon_code)) as coupon_code,
        coalesce(valid_from, date '1900-01-01') as watched_from_date,
        date '9999-12-31' as watched_before_date
    from canary_codes

    union all

    select
        'before_publication' as leak_method,
        coupon_code,
        date '1900-01-01' as watched_from_date,
        published_date as watched_before_date
    from first_publications
    where published_date > date '1900-01-01'

),

exposures as (

    select
        watched_codes.leak_method,
        watched_codes.coupon_code,
        sum(exposed_days.conversion_count) as exposure_count
    from watched_codes
    inner join exposed_days
        on
            watched_codes.watched_from_date <= exposed_days.converted_date
            and watched_codes.watched_before_date > exposed_days.converted_date
    group by watched_codes.leak_method, watched_codes.coupon_code

),

claims as (

    select
        watched_codes.leak_method,
        watched_codes.coupon_code,
        count(*) as claim_count
    from watched_codes
    inner join used_codes
        on
            watched_codes.coupon_code = used_codes.coupon_code
            and watched_codes.watched_from_date <= used_codes.converted_date
            and watched_codes.watched_before_date > used_codes.converted_date
    group by watched_codes.leak_method, watched_codes.coupon_code

),

final as (

    select
        watched_codes.leak_method,
        watched_codes.coupon_code,
        coalesce(claims.claim_count, 0) as claim_count,
        cast(coalesce(exposures.exposure_count, 0) as bigint) as exposure_count
    from watched_codes
    left join exposures
        on
            watched_codes.leak_method = exposures.leak_method
            and watched_codes.coupon_code = exposures.coupon_code
    left join claims
        on
            watched_codes.leak_method = claims.leak_method
            and watched_codes.coupon_code = claims.coupon_code

)

select * from final
