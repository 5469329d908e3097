with histories as (

    select * from {{ ref('int_capture_histories') }}
    where scope = 'all'

),

histories_with_month as (

    select
        *,
        cast(date_trunc('month', converted_date) as date) as converted_month_date
    from histories

),

final as (

    select
        {{ surrogate_key([
            'converted_month_date',
            'can_carry_code',
            'has_answer',
            'has_click',
            'has_code',
            'has_invitation_or_act',
            'has_naming_answer',
            'has_passed_on_answer',
        ]) }} as capture_history_key,
        can_carry_code,
        has_answer,
        has_click,
        has_code,
        has_invitation_or_act,
        has_naming_answer,
        has_passed_on_answer,
        cast(sum(conversion_count) as bigint) as conversion_count,
        converted_month_date
    from histories_with_month
    group by
        converted_month_date,
        can_carry_code,
        has_answer,
        has_click,
        has_code,
        has_invitation_or_act,
        has_naming_answer,
        has_passed_on_answer

)

select * from final
