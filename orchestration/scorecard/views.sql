-- What the queries share. Conversions are orders and payments that were not wholly taken back: truth
-- knows no sign-up that was caused.
create or replace temp view own_channels as
select channel_id
from marts.dim_channels
where platform_id is not null or channel_id in ('email', 'referral_program');

create or replace temp view net_conversions as
select
    conversions.conversion_key,
    conversions.person_key,
    conversions.platform_id,
    conversions.conversion_id,
    links.link_state,
    links.is_entangled_at_conversion
from marts.fct_conversions as conversions
inner join marts.fct_conversion_links as links
    on conversions.conversion_key = links.conversion_key
where conversions.conversion_kind in ('order', 'payment') and not conversions.is_fully_reversed;

create or replace temp view own_evidence as
select
    net_conversions.conversion_key,
    evidence.channel_id,
    evidence.evidence_type
from net_conversions
inner join marts.bridge_conversion_evidence as evidence
    on net_conversions.conversion_key = evidence.conversion_key
inner join own_channels
    on evidence.channel_id = own_channels.channel_id;
