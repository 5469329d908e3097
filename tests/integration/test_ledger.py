"""The ledger adds up to the cent for any journeys: visits, orders, payments, refunds, currencies, missing evidence."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from orchestration.simulation import exporters as to
from tests.integration.helpers import Warehouse

START = datetime(2026, 3, 1)
LANDINGS = (
    ("/?utm_source=mastodon&utm_medium=social", "-"),
    ("/?utm_source=newsletter&utm_medium=email", "-"),
    ("/?utm_source=never-heard-of", "-"),
    ("/?gclid=abc", "https://www.google.com/"),
    ("/", "https://www.youtube.com/"),
    ("/", "-"),
)

PEOPLE = 300
COUPONS = ("", "", "BREW10", "NOBODYS")

Journey = tuple[list[tuple[int, int]], list[tuple[int, int, str, int, bool, str]], list[tuple[int, int, str, int, str]]]
"""Visits (minute, landing), orders (minute, cents, currency, refunded %, seen on the site, coupon), payments (.., source)."""


def draw_journeys(random: Random) -> list[Journey]:
    """People with a few visits, orders and payments each, refunds from none over a part to all."""

    def minute() -> int:
        return random.randrange(80 * 24 * 60)

    def purchase() -> tuple[int, int, str, int]:
        cents = random.choice((random.randrange(1, 100), random.randrange(100, 10**6)))
        return minute(), cents, random.choice(("USD", "EUR", "GBP")), random.choice((0, 0, 1, 33, 99, 100))

    return [
        (
            [(minute(), random.randrange(len(LANDINGS))) for _ in range(random.randrange(7))],
            [(*purchase(), random.random() < 0.5, random.choice(COUPONS)) for _ in range(random.randrange(3))],
            [(*purchase(), random.choice(("", "bluesky", "newsletter"))) for _ in range(random.randrange(2))],
        )
        for _ in range(PEOPLE)
    ]


IDENTITY = """
with nets as (
    select currency_code, sum(net_amount) as net_amount, sum(net_amount_reporting) as net_amount_reporting,
        count(*) - count(*) filter (is_fully_reversed) as net_count
    from marts.fct_conversions group by all
),
credits as (
    select attribution_model_id, currency_code, sum(credit_amount) as amount,
        sum(credit_amount_reporting) as amount_reporting, sum(credit_count) as counted
    from marts.fct_attribution_credits group by all
)
select attribution_model_id, currency_code from (from nets full join credits using (currency_code))
where (amount, amount_reporting, counted) is distinct from (net_amount, net_amount_reporting, net_count)
"""

PER_CONVERSION = """
select conversion_key from marts.fct_attribution_credits
inner join marts.fct_conversions using (conversion_key)
group by conversion_key, attribution_model_id, gross_amount, net_amount, is_fully_reversed
having sum(credit_amount) <> net_amount
    or sum(credit_amount) filter (entry = 'original') <> gross_amount
    or sum(credit_count) filter (entry = 'original') <> 1
    or sum(credit_count) <> case when is_fully_reversed then 0 else 1 end
"""

UNKNOWN = """
select channel_id, entry, currency_code
from (
    select attribution_model_id, channel_id, entry, currency_code, sum(credit_amount) as amount, sum(credit_count) as counted
    from marts.fct_attribution_credits where channel_id in ('(unknown)', '(no touch)') group by all
)
group by all
having min(amount) <> max(amount) or min(counted) <> max(counted)
    or count(*) <> (select count(distinct attribution_model_id) from marts.fct_attribution_credits)
"""


def _exports(drawn: list[Journey]) -> dict[str, bytes]:
    log, orders, payments = [], [], []
    for person, (visits, bought, paid) in enumerate(drawn):
        email = f"p{person}@example.org"
        host, agent = f"10.0.{person // 200}.{person % 200 + 1}", "Mozilla/5.0 Firefox/138.0"
        for offset, landing in visits:
            path, referrer = LANDINGS[landing]
            log.append((START + timedelta(minutes=offset), host, path, referrer, agent))
        for offset, total, currency, refund_share, is_seen, coupon in bought:
            at, name = START + timedelta(minutes=offset), f"#{1000 + len(orders)}"
            refund = min(total, total * refund_share // 100)
            if is_seen:
                log.append((at, host, f"/orders/{name[1:]}/thank_you", "-", agent))
            orders.append(
                {
                    "Name": name,
                    "Email": email,
                    "Financial Status": "paid"
                    if not refund
                    else "refunded"
                    if refund == total
                    else "partially_refunded",
                    "Currency": currency,
                    "Total": f"{total / 100:.2f}",
                    "Discount Code": coupon,
                    "Created at": f"{at:%Y-%m-%d %H:%M:%S} +0000",
                    "Refunded Amount": f"{refund / 100:.2f}",
                    "Id": str(10**12 + len(orders)),
                    "Lineitem name": "Bag",
                    "Lineitem quantity": 1,
                    "Lineitem price": f"{total / 100:.2f}",
                }
            )
        for offset, total, currency, refund_share, source in paid:
            at, refund = START + timedelta(minutes=offset), min(total, total * refund_share // 100)
            payments.append(
                {
                    "id": f"ch_{len(payments)}",
                    "Created date (UTC)": f"{at:%Y-%m-%d %H:%M:%S}",
                    "Amount": f"{total / 100:.2f}",
                    "Amount Refunded": f"{refund / 100:.2f}",
                    "Currency": currency.lower(),
                    "Captured": "true",
                    "Refunded date (UTC)": f"{at + timedelta(days=3):%Y-%m-%d %H:%M:%S}" if refund else "",
                    "Status": "Refunded" if refund == total else "Paid",
                    "Customer ID": f"cus_{person}",
                    "Customer Email": email if person % 3 else "",
                    "UTM Source": source,
                    "UTM Medium": "social" if source else "",
                }
            )
    return {
        "access.log": "".join(to.log_line(h, at, p, r, a) for at, h, p, r, a in sorted(log)).encode(),
        "orders.csv": to.csv_file(to.SHOPIFY_HEADER, orders),
        "payments.csv": to.csv_file(to.STRIPE_HEADER, payments),
    }


@settings(max_examples=int(os.environ.get("BALCONY_LEDGER_EXAMPLES", "1")), phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_the_ledger_adds_up_for_any_journeys(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Each example builds the warehouse for 300 people: some 450 conversions, each checked by itself and all together."""
    warehouse = Warehouse(tmp_path_factory.mktemp("ledger"))
    warehouse.land(_exports(draw_journeys(Random(seed))))
    warehouse.build()
    assert warehouse.query("select count(*) from marts.fct_attribution_credits")[0][0] > 0
    assert warehouse.query(IDENTITY) == []
    assert warehouse.query(PER_CONVERSION) == []
    assert warehouse.query(UNKNOWN) == []


@pytest.mark.parametrize(
    ("defect", "query"),
    [
        ("update marts.fct_attribution_credits set credit_amount = credit_amount + 0.01 where rowid = 3", IDENTITY),
        (
            "update marts.fct_attribution_credits set credit_amount = credit_amount + 0.01 where rowid = 3",
            PER_CONVERSION,
        ),
        (
            "delete from marts.fct_attribution_credits where channel_id = '(unknown)' and attribution_model_id like 'first%'",
            UNKNOWN,
        ),
    ],
)
def test_the_identity_queries_catch_a_cent_and_a_missing_row(tmp_path: Path, defect: str, query: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.fct_conversions as
            select 'c' || n as conversion_key, 'EUR' as currency_code, 10.00 as gross_amount, 10.00 as net_amount,
                11.00 as net_amount_reporting, false as is_fully_reversed
            from range(4) as numbers (n);
            create table marts.fct_attribution_credits as
            select conversion_key, model as attribution_model_id, 'original' as entry, 'EUR' as currency_code, 10.00 as credit_amount,
                11.00 as credit_amount_reporting, 1 as credit_count,
                case conversion_key when 'c1' then '(unknown)' else 'email' end as channel_id
            from marts.fct_conversions cross join (values ('first_touch'), ('last_touch')) as models (model)
            """
        )
        assert connection.execute(query).fetchall() == []
        connection.execute(defect)
        assert connection.execute(query).fetchall() != []
