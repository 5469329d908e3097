"""What nobody outside a world can know, as Parquet files beside its exports; no model may read them.

Channels, platforms and conversions are named as in the marts. A failed payment is no order and stands nowhere. What was
passed on by word of mouth counts for the channel whose item started it; `through_talk` says how much that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from orchestration.simulation import keys
from orchestration.simulation.behaviour import posting_schedule
from orchestration.simulation.world import ACTS, CURRENCIES, LETTERS, PLATFORMS, World

CHANNEL_IDS = (*(f"organic_{name}" for name in PLATFORMS), "email", "referral_program", "organic_search", "(direct)")
"""What marts call the channels of a world, in the order of `CHANNELS`."""

Columns = Mapping[str, NDArray[Any]]


def write_truth(world: World, folder: Path) -> None:
    """Write `truth_<name>.parquet` files into `folder`, which is made where it is missing.

    | file | grain |
    |---|---|
    | truth_orders | order: paid in the shop or through a payment link, by `platform_id` and `native_conversion_id` |
    | truth_order_channels | order and channel seen within the lookback, or that caused the order |
    | truth_sign_ups | subscription to a letter |
    | truth_channels | channel; and word_of_mouth, which causes nothing of its own |
    | truth_platforms | platform over the whole world |
    | truth_platform_days | platform and day |
    | truth_people | person or bot |
    | truth_posting | day of the posting schedule |
    | truth_revenue | currency |
    | truth_totals, truth_world | the world |

    Amounts are decimal and in their own currency, moments UTC without a zone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, Columns] = {
        "truth_orders": _orders(world),
        "truth_order_channels": _order_channels(world),
        "truth_sign_ups": _sign_ups(world),
        "truth_channels": _channels(world),
        "truth_platforms": _platforms(world),
        "truth_platform_days": _platform_days(world),
        "truth_people": _people(world),
        "truth_posting": _posting(world),
        "truth_revenue": _revenue(world),
        "truth_totals": _totals(world),
        "truth_world": _world(world),
    }
    with duckdb.connect() as connection:
        for name, columns in tables.items():
            connection.register("columns_of_table", dict(columns))
            # Amounts come in minor units, dates as midnights.
            casts = [
                f"cast({name} / 100.0 as decimal(18, 2)) as {name}" for name in columns if name.endswith("_amount")
            ]
            casts += [f"cast({name} as date) as {name}" for name in columns if name.endswith("_date")]
            chosen = f"select * replace ({', '.join(casts)})" if casts else "select *"
            target = str(folder / f"{name}.parquet").replace("'", "''")
            connection.execute(f"copy ({chosen} from columns_of_table) to '{target}' (format parquet)")
            connection.unregister("columns_of_table")


def _kept(world: World) -> NDArray[np.int64]:
    """Positions of orders that are orders."""
    return np.flatnonzero(~world.orders.is_failed)


def _refunded(world: World) -> NDArray[np.int64]:
    """Minor units given back, by order."""
    refunded = np.zeros(len(world.orders.at), dtype=np.int64)
    np.add.at(refunded, world.refunds.order, world.refunds.amount)
    return refunded


def _texts(values: Any) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def _native_ids(world: World, positions: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {
        "platform_id": np.where(world.orders.through_payment_link[positions], "stripe", "shopify").astype(object),
        "native_conversion_id": _texts(keys.order_native_id(world.orders, position) for position in positions.tolist()),
    }


def _orders(world: World) -> Columns:
    kept = _kept(world)
    orders, truth = world.orders, world.truth
    refunded = _refunded(world)
    return {
        "order_position": kept,
        **_native_ids(world, kept),
        "person_position": orders.person[kept],
        "currency_code": np.array(CURRENCIES, dtype=object)[orders.currency[kept]],
        "gross_amount": orders.amount[kept],
        "reversed_amount": refunded[kept],
        "net_amount": (orders.amount - refunded)[kept],
        "is_fully_reversed": (refunded == orders.amount)[kept],
        "is_touched": truth.is_touched[kept],
        "is_caused": truth.is_caused[kept],
        "is_word_of_mouth": truth.is_word_of_mouth[kept],
        "has_second_email": orders.second_email[kept],
        "ordered_at": orders.at[kept],
    }


def _order_channels(world: World) -> Columns:
    truth = world.truth
    position, channel = np.nonzero((truth.saw | (truth.cause_share > 0)) & ~world.orders.is_failed[:, None])
    return {
        "order_position": position,
        **_native_ids(world, position),
        "channel_id": np.array(CHANNEL_IDS, dtype=object)[channel],
        "is_seen": truth.saw[position, channel],
        "cause_share": truth.cause_share[position, channel],
        "is_through_talk": truth.is_word_of_mouth[position],
    }


def _sign_ups(world: World) -> Columns:
    subscriptions = world.subscriptions
    return {
        "platform_id": np.array(LETTERS, dtype=object)[subscriptions.letter],
        "person_position": subscriptions.person,
        "channel_id": np.array(CHANNEL_IDS, dtype=object)[subscriptions.channel],
        "started_at": subscriptions.started_at,
        "ended_at": subscriptions.ended_at,
    }


def _channels(world: World) -> Columns:
    truth, visits = world.truth, world.visits
    kept = _kept(world)
    talk = truth.is_word_of_mouth[kept]
    share = truth.cause_share[kept]
    human = visits.person >= 0
    return {
        "channel_id": _texts([*CHANNEL_IDS, "word_of_mouth"]),
        "orders_touched": np.append(truth.saw[kept].sum(0), talk.sum()),
        "orders_caused": np.append(share.sum(0), 0.0),
        "orders_caused_through_talk": np.append(share[talk].sum(0), 0.0),
        "visits": np.append(np.bincount(visits.channel[human], minlength=len(CHANNEL_IDS)), 0),
        "dark_visits": np.append(np.bincount(visits.channel[human & visits.is_dark], minlength=len(CHANNEL_IDS)), 0),
    }


def _standing(world: World) -> NDArray[np.int64]:
    """Followers at the end of each day, bots included; shape (days, platforms)."""
    change = np.zeros((world.config.days + 1, len(PLATFORMS)), dtype=np.int64)
    follows = world.follows
    np.add.at(change, (_day(world, follows.started_at), follows.platform), 1)
    ended = ~np.isnat(follows.ended_at)
    np.add.at(change, (_day(world, follows.ended_at[ended]), follows.platform[ended]), -1)
    standing: NDArray[np.int64] = np.cumsum(change, 0)[: world.config.days]
    return standing


def _day(world: World, moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
    days: NDArray[np.int64] = (moments.astype("datetime64[D]") - np.datetime64(world.config.first_day)).astype(np.int64)
    return days


def _by_day(world: World, day: NDArray[Any], platform: NDArray[Any], weights: NDArray[Any] | int) -> NDArray[np.int64]:
    counted = np.zeros((world.config.days, len(PLATFORMS)), dtype=np.int64)
    np.add.at(counted, (day, platform), weights)
    return counted


def _platforms(world: World) -> Columns:
    acts, human = world.acts, ~world.people.is_bot
    platform = world.posts.platform[acts.post]
    by_human = human[acts.person]
    pair = platform * len(human) + acts.person
    engaged = by_human & (acts.kind == ACTS.index("reply"))

    def people(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(np.unique(pair[rows]) // len(human), minlength=len(PLATFORMS))

    follower = np.unique(world.follows.platform * len(human) + world.follows.person)
    follower = follower[human[follower % len(human)]]
    return {
        "platform_id": _texts(PLATFORMS),
        "people_with_account": world.people.has_account[human].sum(0),
        "people_reached": (world.audience.days_seen[human] > 0).sum(0),
        "people_followed": np.bincount(follower // len(human), minlength=len(PLATFORMS)),
        "people_acted": people(by_human),
        "people_engaged": people(engaged),
        "acts": np.bincount(platform[by_human], minlength=len(PLATFORMS)),
        "bot_acts": np.bincount(platform[~by_human], minlength=len(PLATFORMS)),
        "posts": np.bincount(world.posts.platform, minlength=len(PLATFORMS)),
    }


def _platform_days(world: World) -> Columns:
    days, count = world.config.days, len(PLATFORMS)
    posts, receptions, acts = world.posts, world.receptions, world.acts
    seen_on = posts.platform[receptions.post]
    acted_on = posts.platform[acts.post]
    is_bot = world.people.is_bot[acts.person]
    acted = _day(world, acts.at)
    dates = np.datetime64(world.config.first_day) + np.arange(days)
    return {
        "seen_date": np.repeat(dates, count).astype("datetime64[s]"),
        "platform_id": np.tile(_texts(PLATFORMS), days),
        "posts": _by_day(world, _day(world, posts.at), posts.platform, 1).ravel(),
        "impressions": _by_day(world, receptions.day, seen_on, receptions.impressions).ravel(),
        "people_reached": _by_day(world, receptions.day, seen_on, receptions.viewers).ravel(),
        "followers_standing": _standing(world).ravel(),
        "acts": _by_day(world, acted[~is_bot], acted_on[~is_bot], 1).ravel(),
        "bot_acts": _by_day(world, acted[is_bot], acted_on[is_bot], 1).ravel(),
    }


def _people(world: World) -> Columns:
    people, count = world.people, len(world.people.is_bot)
    kept = _kept(world)
    buyer = world.orders.person[kept]
    positions = range(count)
    return {
        "person_position": np.arange(count),
        "mastodon_acct": _texts(map(keys.mastodon_acct, positions)),
        "bluesky_did": _texts(map(keys.bluesky_did, positions)),
        "x_account": _texts(map(keys.x_account, positions)),
        "is_bot": people.is_bot,
        "is_reached": np.any(world.audience.days_seen > 0, axis=1),
        "fondness": people.fondness,
        "activity": people.activity,
        "acts": np.bincount(world.acts.person, minlength=count),
        "replies": np.bincount(world.acts.person[world.acts.kind == ACTS.index("reply")], minlength=count),
        "orders": np.bincount(buyer, minlength=count),
        "orders_caused": np.bincount(buyer[world.truth.is_caused[kept]], minlength=count),
        "deleted_at": people.deleted_at,
    }


def _posting(world: World) -> Columns:
    schedule = posting_schedule(world.config, world.seed)
    days = np.arange(world.config.days)
    return {
        "posting_date": (np.datetime64(world.config.first_day) + days).astype("datetime64[s]"),
        "block": schedule.block,
        "pair": schedule.pair,
        "is_on": schedule.is_on,
        "is_randomised": np.full(world.config.days, schedule.is_randomised),
        "posting_factor": schedule.posting_factor,
    }


def _revenue(world: World) -> Columns:
    kept = _kept(world)
    orders, refunded = world.orders, _refunded(world)[kept]
    currency, amount = orders.currency[kept], orders.amount[kept]
    caused = amount - refunded
    caused[~world.truth.is_caused[kept]] = 0

    def total(values: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = np.zeros(len(CURRENCIES), dtype=np.int64)
        np.add.at(sums, currency, values)
        return sums

    return {
        "currency_code": _texts(CURRENCIES),
        "gross_amount": total(amount),
        "reversed_amount": total(refunded),
        "net_amount": total(amount - refunded),
        "caused_net_amount": total(caused),
    }


def _totals(world: World) -> Columns:
    kept = _kept(world)
    people, acts, truth = world.people, world.acts, world.truth
    human = ~people.is_bot
    reached = (world.audience.days_seen > 0).any(1) & human
    acted = np.zeros(len(human), dtype=bool)
    acted[acts.person] = True
    engaged = np.zeros(len(human), dtype=bool)
    engaged[acts.person[acts.kind == ACTS.index("reply")]] = True
    lasting = kept[_refunded(world)[kept] < world.orders.amount[kept]]
    figures = {
        "orders": len(kept),
        "orders_net": len(lasting),
        "orders_touched": truth.is_touched[kept].sum(),
        "orders_touched_net": truth.is_touched[lasting].sum(),
        "orders_caused": truth.is_caused[kept].sum(),
        "orders_caused_net": truth.is_caused[lasting].sum(),
        "orders_word_of_mouth": truth.is_word_of_mouth[kept].sum(),
        "people": human.sum(),
        "bots": people.is_bot.sum(),
        "people_reached": reached.sum(),
        "people_acted": (acted & human).sum(),
        "people_engaged": (engaged & human).sum(),
        "people_bought": len(np.unique(world.orders.person[kept])),
        "sign_ups": len(world.subscriptions.person),
        "visits": (world.visits.person >= 0).sum(),
        "dark_visits": world.visits.is_dark.sum(),
        "crawler_visits": (world.visits.person < 0).sum(),
    }
    return {name: np.array([figure], dtype=np.int64) for name, figure in figures.items()}


def _world(world: World) -> Columns:
    return {
        "regime": _texts([world.config.name]),
        "seed": np.array([world.seed]),
        "config": _texts([world.config.model_dump_json()]),
    }
