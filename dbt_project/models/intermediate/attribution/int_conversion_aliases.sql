with staged_conversions as (
    {{ union_staged('conversions', [
        'platform_id',
        'conversion_id',
        'conversion_kind',
        'payment_reference',
        'converted_at',
    ]) }}

),

conversion_sources as (

    select * from {{ ref('conversion_sources') }}

),

purchases_with_reference as (

    select
        {{ surrogate_key(['staged_conversions.platform_id', 'staged_conversions.conversion_id']) }}
            as conversion_key,
        staged_conversions.conversion_kind,
        staged_conversions.payment_reference,
        staged_conversions.converted_at,
        coalesce(conversion_sources.counts_as_conversion, true) as counts_as_conversion
    from staged_conversions
    left join conversion_sources
        on
            staged_conversions.platform_id = conversion_sources.platform_id
            and staged_conversions.conversion_kind = conversion_sources.conversion_kind
    where staged_conversions.payment_reference is not null

),

orders as (

    select * from purchases_with_reference
    where conversion_kind = 'order' and counts_as_conversion

),

payments as (

    select * from purchases_with_reference
    where conversion_kind = 'payment'

),

-- One payment may have paid several orders; it counts with the first of them.
orders_of_payments as (

    select
        payments.conversion_key as alias_conversion_key,
        orders.conversion_key,
        payments.payment_reference,
        row_number() over (
            partition by payments.conversion_key
            order by orders.converted_at asc nulls last, orders.conversion_key asc nulls last
        ) as order_rank
    from payments
    inner join orders
        on payments.payment_reference = orders.payment_reference

),

final as (

    select
        alias_conversion_key,
        conversion_key,
        payment_reference
    from orders_of_payments
    where order_rank = 1

)

select * from final
