with payments as (

    select * from {{ source('stripe', 'payments') }}

),

loads as (

    select * from {{ ref('stg_landing__loads') }}

),

identity_keys as (

    select * from {{ source('balcony', 'identity_keys') }}

),

payments_typed as (

    select
        payments._load_id,
        payments._source_row_number,
        nullif(trim(payments.payment_id), '') as written_payment_id,
        nullif(trim(payments.payment_intent_id), '') as payment_intent_id,
        nullif(trim(payments.customer_id), '') as customer_id,
        {{ person_hash('payments.customer_email') }} as email_hash,
        coalesce(
            {{ region_code(
                'payments.shipping_address_country', 'payments.shipping_address_state'
            ) }},
            {{ region_code('payments.card_address_country', 'payments.card_address_state') }},
            {{ region_code('payments.card_issue_country', 'null') }}
        ) as region_code,
        {{ without_address("nullif(trim(payments.client_reference_id), '')") }}
            as client_reference_id,
        {{ without_address("nullif(trim(payments.utm_source), '')") }} as utm_source,
        {{ without_address("nullif(trim(payments.utm_medium), '')") }} as utm_medium,
        {{ without_address("nullif(trim(payments.utm_campaign), '')") }} as utm_campaign,
        lower(replace(trim(payments.payment_status), ' ', '_')) as payment_status,
        lower(trim(payments.dispute_status)) as dispute_status,
        upper(trim(payments.currency)) as currency_code,
        {{ try_decimal('payments.amount') }} as payment_amount,
        {{ try_decimal('payments.amount_refunded') }} as written_refunded_amount,
        {{ try_decimal('payments.disputed_amount') }} as disputed_amount,
        coalesce(lower(trim(payments.captured)) <> 'false', true) as is_captured,
        {{ utc_time('stripe', 'payments', 'created_at', 'payments') }} as created_at,
        {{ utc_time('stripe', 'payments', 'refunded_at', 'payments') }} as refunded_at,
        {{ utc_time('stripe', 'payments', 'disputed_at', 'payments') }} as disputed_at
    from payments
    cross join identity_keys

),

-- A layout without ids still tells payments apart: by second, amount, currency and, where these are
-- equal, customer and order in the file.
payments_numbered as (

    select
        *,
        coalesce(
            written_refunded_amount,
            case when payment_status = 'refunded' then payment_amount end,
            0
        ) as refunded_amount,
        case
            when dispute_status = 'lost' then coalesce(disputed_amount, payment_amount)
            else 0
        end as lost_amount,
        row_number() over (
            partition by _load_id, created_at, payment_amount, currency_code
            order by customer_id asc nulls last, _source_row_number asc nulls last
        ) as payment_occurrence
    from payments_typed

),

distinct_ids as (

    select
        created_at,
        payment_amount,
        currency_code,
        written_payment_id,
        max(customer_id) as customer_id
    from payments_typed
    where written_payment_id is not null
    group by created_at, payment_amount, currency_code, written_payment_id

),

ids_numbered as (

    select
        created_at,
        payment_amount,
        currency_code,
        written_payment_id,
        row_number() over (
            partition by created_at, payment_amount, currency_code
            order by customer_id asc nulls last, written_payment_id asc nulls last
        ) as payment_occurrence
    from distinct_ids

),

-- An id is taken from another layout that has it, so that a payment exported in both counts once.
payments_identified as (

    select
        payments_numbered.*,
        coalesce(
            payments_numbered.written_payment_id,
            ids_numbered.written_payment_id,
            {{ surrogate_key([
                'payments_numbered.created_at',
                'payments_numbered.payment_amount',
                'payments_numbered.currency_code',
                'payments_numbered.payment_occurrence',
            ]) }}
        ) as payment_id
    from payments_numbered
    left join ids_numbered
        on
            payments_numbered.created_at = ids_numbered.created_at
            and payments_numbered.payment_amount = ids_numbered.payment_amount
            and payments_numbered.currency_code = ids_numbered.currency_code
            and payments_numbered.payment_occurrence = ids_numbered.payment_occurrence

),

-- The latest layout may lack a column that an earlier one had: what never changes, and what only
-- grows, is taken from all exports of the payment.
payments_by_recency as (

    select
        payments_identified.payment_id,
        max(payments_identified.payment_intent_id)
            over (partition by payments_identified.payment_id) as payment_intent_id,
        max(payments_identified.customer_id)
            over (partition by payments_identified.payment_id) as customer_id,
        max(payments_identified.email_hash)
            over (partition by payments_identified.payment_id) as email_hash,
        max(payments_identified.region_code)
            over (partition by payments_identified.payment_id) as region_code,
        max(payments_identified.client_reference_id)
            over (partition by payments_identified.payment_id) as client_reference_id,
        max(payments_identified.utm_source)
            over (partition by payments_identified.payment_id) as utm_source,
        max(payments_identified.utm_medium)
            over (partition by payments_identified.payment_id) as utm_medium,
        max(payments_identified.utm_campaign)
            over (partition by payments_identified.payment_id) as utm_campaign,
        payments_identified.payment_status,
        payments_identified.currency_code,
        payments_identified.payment_amount,
        max(payments_identified.refunded_amount)
            over (partition by payments_identified.payment_id) as refunded_amount,
        max(payments_identified.lost_amount)
            over (partition by payments_identified.payment_id) as lost_amount,
        payments_identified.is_captured,
        payments_identified.created_at,
        max(payments_identified.refunded_at)
            over (partition by payments_identified.payment_id) as refunded_at,
        max(case when payments_identified.lost_amount > 0 then payments_identified.disputed_at end)
            over (partition by payments_identified.payment_id) as lost_at,
        min(
            case
                when payments_identified.refunded_amount + payments_identified.lost_amount > 0
                    then loads.exported_at
            end
        ) over (partition by payments_identified.payment_id) as reversal_first_seen_at,
        {{ later_export_wins(['payment_id']) }} as export_recency,
        payments_identified._load_id,
        payments_identified._source_row_number
    from payments_identified
    inner join loads
        on payments_identified._load_id = loads.load_id

),

final as (

    select
        payment_id,
        payment_intent_id,
        customer_id,
        email_hash,
        region_code,
        client_reference_id,
        utm_source,
        utm_medium,
        utm_campaign,
        payment_status,
        currency_code,
        payment_amount,
        refunded_amount,
        lost_amount,
        is_captured and payment_status in (
            'paid', 'succeeded', 'refunded', 'partially_refunded', 'partial_refund'
        ) as has_succeeded,
        created_at,
        refunded_at,
        lost_at,
        reversal_first_seen_at,
        _load_id,
        _source_row_number
    from payments_by_recency
    where export_recency = 1

)

select * from final
