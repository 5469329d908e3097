"""Sales: the shop's orders and the payment provider's payments, with the money given back until each export.

Every seventh order of the shop is paid through the same payment provider: both exports have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import TAGS, Download, iso, moment, money, utm_cells
from orchestration.simulation.world import ANSWERS, CHANNELS, CURRENCIES, Moments, World

SHOP_EXPORTED = (0.6, 1.0)
PAYMENTS_EXPORTED = ((0.4, to.STRIPE_OLD_HEADER), (0.75, to.STRIPE_HEADER), (1.0, to.STRIPE_HEADER))
NEW_NAMES = {"Created (UTC)": "Created date (UTC)", "Tax": "Taxes On Fee"}
"""What the columns of the old payments export are called in the new one."""
ANSWERED = {
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
    "x": "X",
    "youtube": "YouTube",
    "newsletter": "Your newsletter",
    "friend": "A friend",
    "search": "Google",
    "shop in town": "Found your shop in town",
}
"""What stands in the order for each of `ANSWERS`."""
PRODUCTS = (
    ("House blend, 500 g", "HOUSE-500"),
    ("Filter papers", "PAPER-100"),
    ('Pour-over kettle 1.2 l, 7" spout', "KETTLE-12"),
)
EUROS = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17}
"""What the payment provider pays out for one unit."""


def downloads(world: World) -> Iterator[Download]:
    """Orders twice and payments three times, each time all of them: later exports know of later refunds."""
    for number, share in enumerate(SHOP_EXPORTED):
        at = moment(world, share)
        orders = to.ruby_csv_file(to.SHOPIFY_HEADER, _orders(world, at))
        yield Download(f"shopify/orders_export_1{f' ({number})' if number else ''}.csv", at, orders)
    for share, header in PAYMENTS_EXPORTED:
        at = moment(world, share)
        rows = _payments(world, at)
        shown = [{name: row.get(NEW_NAMES.get(name, name), "") for name in header} for row in rows]
        name = "payments" if header is to.STRIPE_OLD_HEADER else "unified_payments"
        yield Download(f"stripe/{name}-{at:%Y-%m-%d}.csv", at, to.csv_file(header, shown))


def _orders(world: World, at: datetime) -> list[dict[str, Any]]:
    """A row for each line of an order, newest order first. What is said of the whole order stands on its first row."""
    orders, until = world.orders, np.datetime64(at)
    positions = np.flatnonzero(~orders.through_payment_link & ~orders.is_failed & (orders.at < until))[::-1]
    refunded, _ = _refunded(world, until)
    rows: list[dict[str, Any]] = []
    local = shop_times(orders.at[positions])
    paid = shop_times(orders.at[positions] + np.timedelta64(2, "s"))
    for position, created_at, paid_at in zip(positions.tolist(), local, paid, strict=True):
        total, refund = int(orders.amount[position]), refunded[position]
        code = str(orders.code[position])
        discount = total // 9 if code else 0
        email = keys.person_email(int(orders.person[position]), bool(orders.second_email[position]))
        answer = ANSWERS[orders.answer[position]]
        # A reference of the payment provider where it was that one, else one of the shop's own.
        reference = keys.payment_intent_id(position) if _is_with_provider(position) else f"r{position:024}"
        shared = {
            "Name": keys.order_name(position),
            # People do not always type their address alike.
            "Email": email.capitalize() if position % 13 == 0 else email,
            "Created at": created_at,
        }
        lines = _lines(position, total + discount)
        first = {
            "Financial Status": "paid" if not refund else "refunded" if refund == total else "partially_refunded",
            "Paid at": paid_at,
            "Fulfillment Status": "fulfilled",
            "Fulfilled at": paid_at,
            "Accepts Marketing": "no",
            "Currency": CURRENCIES[orders.currency[position]],
            "Subtotal": money(total),
            "Shipping": "0.00",
            "Taxes": "0.00",
            "Total": money(total),
            "Discount Code": code,
            "Discount Amount": money(discount),
            "Shipping Method": "Standard",
            "Note Attributes": f"how_did_you_hear: {ANSWERED[answer]}" if answer else "",
            "Payment Method": "Stripe" if _is_with_provider(position) else "Shopify Payments",
            "Payment Reference": reference,
            "Refunded Amount": money(refund),
            "Outstanding Balance": "0.00",
            "Id": keys.order_native_id(orders, position),
            "Tags": "",
            "Risk Level": "Low",
            "Source": "web",
            "Payment ID": reference,
            "Payment References": reference,
        }
        rows.append(shared | first | lines[0])
        rows += [shared | {"Lineitem compare at price": ""} | line for line in lines[1:]]
    return rows


def _lines(position: int, total: int) -> list[dict[str, str]]:
    """One to three products that cost the total together."""
    further = [(PRODUCTS[1], 2, 250), (PRODUCTS[2], 1, 400)][: position % 3 if total > 1500 else 0]
    rest = total - sum(quantity * price for _, quantity, price in further)
    return [
        {
            "Lineitem quantity": str(quantity),
            "Lineitem name": name,
            "Lineitem price": money(price),
            "Lineitem sku": sku,
            "Lineitem requires shipping": "true",
            "Lineitem taxable": "true",
            "Lineitem fulfillment status": "fulfilled",
            "Vendor": keys.BRAND,
            "Lineitem discount": "0.00",
        }
        for (name, sku), quantity, price in [(PRODUCTS[0], 1, rest), *further]
    ]


def _payments(world: World, at: datetime) -> list[dict[str, Any]]:
    """A row for each attempt, newest first, failed ones too."""
    orders, until = world.orders, np.datetime64(at)
    with_provider = _is_with_provider(np.arange(len(orders.at)))
    positions = np.flatnonzero((orders.through_payment_link | with_provider) & (orders.at < until))[::-1]
    refunded, refunded_at = _refunded(world, until)
    rows = []
    for position, created_at in zip(positions.tolist(), iso(orders.at[positions]), strict=True):
        total, refund = int(orders.amount[position]), refunded[position]
        currency = CURRENCIES[orders.currency[position]]
        is_link = bool(orders.through_payment_link[position])
        is_failed = bool(orders.is_failed[position])
        disputed_at = orders.at[position] + np.timedelta64(9, "D")
        is_disputed = bool(orders.is_disputed[position]) and disputed_at < until
        person, second = int(orders.person[position]), bool(orders.second_email[position])
        fee = round(total * 0.015) + 25
        row = {
            "id": keys.payment_native_id(position),
            "Created date (UTC)": created_at.replace("T", " "),
            "Amount": money(total),
            "Amount Refunded": money(refund),
            "Currency": currency.lower(),
            "Captured": "false" if is_failed else "true",
            "Converted Amount": money(round(total * EUROS[currency])),
            "Converted Amount Refunded": money(round(refund * EUROS[currency])),
            "Converted Currency": "eur",
            "Description": "Payment link" if is_link else f"Order {keys.order_name(position)}",
            "Fee": "0.00" if is_failed else money(round(fee * EUROS[currency])),
            "Is Link": "true" if is_link else "false",
            "Mode": "Live",
            "PaymentIntent ID": keys.payment_intent_id(position),
            "Payment Source Type": "card",
            "Refunded date (UTC)": refunded_at.get(position, ""),
            "Statement Descriptor": "BALKON COFFEE",
            "Status": "Failed" if is_failed else "Refunded" if refund == total else "Paid",
            "Seller Message": "The bank declined the payment." if is_failed else "Payment complete.",
            "Taxes On Fee": "0.00",
            "Card Brand": "Visa",
            "Card Funding": "debit",
            "Customer ID": f"cus_{2 * person + second:014}",
            "Customer Email": keys.person_email(person, second),
        }
        if is_disputed:
            row |= {
                "Disputed Amount": money(total),
                "Dispute Date (UTC)": str(disputed_at).replace("T", " "),
                "Dispute Reason": "fraudulent",
                "Dispute Status": "won",
            }
        if is_link:
            if orders.referrer[position] >= 0:
                row["Client Reference ID"] = str(orders.code[position])
            row["Payment Link ID"] = "plink_1RoasteryBalkon0001"
            if orders.link_channel[position] >= 0:
                row |= utm_cells(TAGS[CHANNELS[orders.link_channel[position]]])
        rows.append(row)
    return rows


def _is_with_provider(position: Any) -> Any:
    return position % 7 == 0


def _refunded(world: World, until: np.datetime64) -> tuple[list[int], dict[int, str]]:
    """Money given back before a moment for each order, and when last for those with any."""
    refunds = world.refunds
    known = np.flatnonzero(refunds.at < until)
    amounts = np.zeros(len(world.orders.at), dtype=np.int64)
    np.add.at(amounts, refunds.order[known], refunds.amount[known])
    known = known[np.argsort(refunds.at[known], kind="stable")]
    times = [text.replace("T", " ") for text in iso(refunds.at[known])]
    return amounts.tolist(), dict(zip(refunds.order[known].tolist(), times, strict=True))


def shop_times(moments: Moments) -> list[str]:
    """Times in the shop's zone, Central Europe: an hour ahead of UTC, two from the last Sunday of March to October's."""
    is_summer = np.zeros(len(moments), dtype=bool)
    for year in np.unique(moments.astype("datetime64[Y]")):
        begins, ends = (
            np.busday_offset(f"{year}-{month}-31", 0, roll="backward", weekmask="Sun") for month in ("03", "10")
        )
        is_summer |= (moments >= begins + np.timedelta64(1, "h")) & (moments < ends + np.timedelta64(1, "h"))
    local = moments + np.where(is_summer, 2, 1).astype("timedelta64[h]")
    zones = np.where(is_summer, "+0200", "+0100").tolist()
    return [f"{text.replace('T', ' ')} {zone}" for text, zone in zip(iso(local), zones, strict=True)]
