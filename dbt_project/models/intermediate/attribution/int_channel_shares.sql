with link_states as (

    select * from {{ ref('int_conversion_link_states') }}

),

touch_weights as (

    select * from {{ ref('int_touch_weights') }}

),

attribution_models as (

    select * from {{ ref('attribution_models') }}

),

shares_by_channel as (

    select
        conversion_key,
        attribution_model_id,
        channel_id,
        cast(null as string) as unknown_reason,
        sum(touch_weight) as channel_share
    from touch_weights
    where touch_weight > 0
    group by conversion_key, attribution_model_id, channel_id

    union all

    select
        link_states.conversion_key,
        attribution_models.model_id as attribution_model_id,
        case link_states.link_state when 'no_touch' then '(no touch)' else '(unknown)' end
            as channel_id,
        link_states.unknown_reason,
        1 as channel_share
    from link_states
    cross join attribution_models
    where link_states.link_state in ('no_touch', 'unknown')

),

shares_in_order as (

    select
        *,
        sum(channel_share) over (
            partition by conversion_key, attribution_model_id
            order by channel_id asc nulls last
            rows between unbounded preceding and current row
        ) as share_up_to_channel,
        lead(channel_id) over (
            partition by conversion_key, attribution_model_id
            order by channel_id asc nulls last
        ) as next_channel_id
    from shares_by_channel

),

-- The last channel closes at exactly 1, so that whatever is split along these shares is split
-- without rest. 19 digits, because DuckDB multiplies two decimals of 18 in 18 and an amount of
-- some thousands would overflow.
closed_shares as (

    select
        *,
        cast(
            case when next_channel_id is null then 1 else share_up_to_channel end
            as decimal(19, 12)
        ) as closing_share
    from shares_in_order

),

final as (

    select
        {{ surrogate_key(['conversion_key', 'attribution_model_id', 'channel_id']) }}
            as channel_share_key,
        conversion_key,
        attribution_model_id,
        channel_id,
        unknown_reason,
        coalesce(
            lag(closing_share) over (
                partition by conversion_key, attribution_model_id
                order by channel_id asc nulls last
            ),
            cast(0 as decimal(19, 12))
        ) as opening_share,
        closing_share
    from closed_shares

)

select * from final
