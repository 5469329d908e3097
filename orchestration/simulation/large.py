"""A world too large to live through day by day: `python -m orchestration.simulation.large OUT --activities 100_000_000`.

Written as Parquet in the shape in which staging hands on activities, entanglements and conversions, with the truth of the
conversions beside them: what lies behind landing can be measured at a size that no download has. What `live` lets
happen, one exposure after the other, is drawn here as numbers for each person, with the base world's parameters where
it has them; nobody's likes are checked for being given twice. People come in blocks, each with random numbers of its
own and one thread: memory is that of a block for each worker, and a file is the same bytes with any number of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from orchestration.simulation import keys
from orchestration.simulation.behaviour import published_posts
from orchestration.simulation.regimes import WorldConfig, world_config
from orchestration.simulation.truth import CHANNEL_IDS
from orchestration.simulation.world import ACTS, CURRENCIES, PLATFORMS

BLOCK = 250_000
"""People in a block."""
NAMED = 3
"""Mastodon, Bluesky and X, first in `PLATFORMS`, know who acts; YouTube gives numbers only and has no rows here."""
KIND_SHARES = (0.92, 0.06, 0.02)
"""Likes, reposts and replies among activities. Chosen."""
FOLLOW_SHARE = 0.024
"""Account holders who follow once: `live`, base, small, seeds 1 to 5, as the four below."""
SIGN_UP_SHARE = 0.042
TOUCHED_SHARE = 0.155
"""Part of the orders without cause whose buyer was touched."""
CAUSED_FOR_EACH = 0.11
"""Caused orders for each order without cause."""
CAUSED_BY = (0.21, 0.12, 0.08, 0.37, 0.09, 0.13)
"""Whose those are, by channel of the brand's own."""

_DAY = 86_400
_LATEST_ACT = 4 * _DAY
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Written:
    """What a large world cost, beside a plain copy of rows of the same width by the same engine in the same run."""

    activities: int
    orders: int
    seconds: float
    """For all files."""
    bytes: int
    plain_rows: int
    plain_seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.activities:,} activities and {self.orders:,} orders in {self.seconds:.1f} s, "
                f"{self.bytes / 1e9:.2f} GB: {self.activities / self.seconds:,.0f} activities a second",
                f"a plain copy of rows of that width from range(): {self.plain_rows / self.plain_seconds:,.0f} rows a second",
                f"peak memory {self.peak_bytes / 1e9:.2f} GB",
            ]
        )


def write_large(
    folder: Path, seed: int, activities: int, people: int = 5_000_000, block: int = BLOCK, workers: int | None = None
) -> Written:
    """Write `activities`, `entanglements`, `conversions` and `truth_orders` below `folder`, a file a block.

    Raises `FileExistsError` where `folder` is not empty, `ValueError` for numbers below 1.
    """
    if min(activities, people, block) < 1:
        raise ValueError(f"There must be activities, people and a block of them: {activities}, {people}, {block}.")
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; a world is written into a folder of its own.")
    for table in _QUERIES:
        (folder / table).mkdir(parents=True)
    workers = workers or os.cpu_count() or 1
    config = world_config("base", "large").model_copy(update={"people": people})
    posts = _posts(config, seed)
    firsts = range(0, people, block)
    sizes = np.array([min(block, people - first) for first in firsts])
    # Whole numbers that sum to the number asked for.
    shared = np.diff(np.cumsum(sizes) * activities // people, prepend=0)
    started = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        running = [
            pool.submit(_write_block, folder, config, posts, seed, number, first, int(size), int(count))
            for number, (first, size, count) in enumerate(zip(firsts, sizes, shared, strict=True))
        ]
        orders = sum(future.result() for future in running)
    _write_world(folder, config, seed, activities, orders)
    seconds = time.monotonic() - started
    size_on_disk = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    plain_rows = min(activities, 20_000_000)
    plain_seconds = _plain_copy(folder, plain_rows, workers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Written(activities, orders, seconds, size_on_disk, plain_rows, plain_seconds, peak)


def _posts(config: WorldConfig, seed: int) -> Columns:
    """Posts on platforms that name who acts, in order of platform, early enough to be acted on before the end."""
    posts = published_posts(config, seed)
    end = np.datetime64(config.first_day, "s") + config.days * _DAY
    chosen = np.flatnonzero((posts.platform < NAMED) & (posts.at < end - _LATEST_ACT - _DAY))
    chosen = chosen[np.argsort(posts.platform[chosen], kind="stable")]
    return {
        "post": np.arange(len(chosen)),
        "platform": posts.platform[chosen],
        "content_id": np.array([keys.post_native_id(posts, position) for position in chosen.tolist()], dtype=object),
        "posted_at": posts.at[chosen],
    }


def _write_block(
    folder: Path, config: WorldConfig, posts: Columns, seed: int, number: int, first: int, size: int, activities: int
) -> int:
    """Write the files of one block of people; returns its orders."""
    draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number])))
    fondness = np.round(draw.standard_normal(size), 9)
    has_account = draw.random((size, NAMED)) < config.account_shares[:NAMED]
    tables = {
        "people": {"person": np.arange(first, first + size)},
        "posts": posts,
        "acts": _acts(config, draw, posts, has_account, first, activities),
        "spells": _spells(config, draw, has_account, first),
        "orders": _orders(config, draw, fondness, first),
    }
    with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as connection:
        for table, columns in tables.items():
            connection.register(f"drawn_{table}", columns)
        connection.execute(_NAMES)
        for table, query in _QUERIES.items():
            target = str(folder / table / f"block_{number:04}.parquet").replace("'", "''")
            connection.execute(f"copy ({query}) to '{target}' (format parquet)")
    return len(tables["orders"]["person"])


def _acts(
    config: WorldConfig,
    draw: np.random.Generator,
    posts: Columns,
    has_account: NDArray[np.bool_],
    first: int,
    activities: int,
) -> Columns:
    size = len(has_account)
    activity = np.round(draw.gamma(config.activity_shape, 1 / config.activity_shape, size), 9)
    # A little for everybody, so that a block of a few people without an account can be written too.
    weight = np.where(has_account.any(1), activity, 0) + 1e-12
    count = draw.multinomial(activities, weight / weight.sum())
    home = np.argmax(has_account * draw.random((size, NAMED)), 1)
    other = np.argmax(has_account * draw.random((size, NAMED)), 1)
    at_home = draw.random(activities) < 0.8
    platform = np.where(at_home, np.repeat(home, count), np.repeat(other, count))
    starts = np.searchsorted(posts["platform"], np.arange(NAMED + 1))
    post = starts[platform] + (draw.random(activities) * np.diff(starts)[platform]).astype(np.int64)
    # Most act within hours, the last after four days.
    delay = 60 + (draw.random(activities) ** 4 * (_LATEST_ACT - 60)).astype(np.int64)
    return {
        "position": np.arange(activities, dtype=np.int32),
        "person": np.repeat(np.arange(first, first + size, dtype=np.int32), count),
        "post": post.astype(np.int32),
        "kind": np.searchsorted(np.cumsum(KIND_SHARES[:-1]), draw.random(activities), side="right").astype(np.int8),
        "delay": delay.astype(np.int32),
    }


def _spells(config: WorldConfig, draw: np.random.Generator, has_account: NDArray[np.bool_], first: int) -> Columns:
    """Follows, and sign-ups to the newsletter as platform `NAMED`; an end after the world's is none."""
    follows = has_account & (draw.random(has_account.shape) < FOLLOW_SHARE)
    signs = draw.random((len(has_account), 1)) < SIGN_UP_SHARE
    person, platform = np.nonzero(np.hstack([follows, signs]))
    span = config.days * _DAY
    started = (draw.random(len(person)) * span).astype(np.int64)
    weekly = np.where(platform < NAMED, config.unfollow, config.letter_leave + config.letter_bounce)
    weeks = np.round(np.log(1 - draw.random(len(person))) / np.log(1 - weekly), 6)
    ended = started + 1 + (weeks * 7 * _DAY).astype(np.int64)
    start = np.datetime64(config.first_day, "s")
    return {
        "person": first + person,
        "platform": platform,
        "started_at": start + started,
        "ended_at": np.where(ended < span, start + np.minimum(ended, span), np.datetime64("NaT", "s")),
    }


def _orders(config: WorldConfig, draw: np.random.Generator, fondness: NDArray[np.float64], first: int) -> Columns:
    size, weeks = len(fondness), config.days / 7
    slope, effect = config.fondness_slope, config.effect_slope
    expected = weeks * config.base_buying * np.round(np.exp(slope * fondness - slope**2 / 2), 12)
    added = weeks * config.base_buying * CAUSED_FOR_EACH * np.round(np.exp(effect * fondness - effect**2 / 2), 12)
    anyway, caused = draw.poisson(expected), draw.poisson(added)
    person = np.concatenate([np.repeat(np.arange(size), anyway), np.repeat(np.arange(size), caused)])
    is_caused = np.arange(len(person)) >= anyway.sum()
    chance = draw.random((6, len(person)))
    by = np.searchsorted(np.cumsum(CAUSED_BY[:-1]), chance[0], side="right")
    price = np.array([1450, 1900, 2380, 3200, 5950])[(chance[1] * 5).astype(np.int64)]
    return {
        "position": np.arange(len(person)),
        "person": first + person,
        "is_caused": is_caused,
        "is_touched": is_caused | (chance[2] < TOUCHED_SHARE),
        "channel_id": np.where(is_caused, np.array(CHANNEL_IDS, dtype=object)[by], None),
        "currency_code": np.array(CURRENCIES, dtype=object)[np.searchsorted([0.7, 0.85], chance[3], side="right")],
        "amount": price,
        "is_refunded": chance[4] < config.full_refund_share + config.late_refund_share,
        "converted_at": np.datetime64(config.first_day, "s") + (chance[5] * config.days * _DAY).astype(np.int64),
    }


def _write_world(folder: Path, config: WorldConfig, seed: int, activities: int, orders: int) -> None:
    target = str(folder / "truth_world.parquet").replace("'", "''")
    row = "select ? as regime, ? as seed, ? as activities, ? as orders, ? as config"
    with duckdb.connect() as connection:
        values = [config.name, seed, activities, orders, config.model_dump_json()]
        connection.execute(f"copy ({row}) to '{target}' (format parquet)", values)


def _plain_copy(folder: Path, rows: int, threads: int) -> float:
    """Seconds that DuckDB needs to write rows as wide as activities, made from nothing but their number."""
    path = folder / "plain.parquet"
    target = str(path).replace("'", "''")
    with duckdb.connect(config={"threads": threads, "memory_limit": "2GB"}) as connection:
        started = time.monotonic()
        connection.execute(f"copy ({_PLAIN} from range({rows}) as numbers(number)) to '{target}' (format parquet)")
        seconds = time.monotonic() - started
    path.unlink()
    return seconds


_NAMES = f"""
    create table people as
    select
        cast(person as integer) as person,
        concat('p', lpad(cast(person as varchar), 7, '0'), if(person % 2 = 1, '', '@elsewhere.example')) as mastodon_acct,
        -- As long as a real one and of its letters.
        concat('did:plc:', left(translate(md5(cast(person as varchar)), '0189', 'wxyz'), 24)) as bluesky_did,
        cast(900000000000000000 + 7919 * person as varchar) as x_account,
        sha256(concat('large:person', lpad(cast(person as varchar), 7, '0'), '@example.org')) as email_hash
    from drawn_people
    order by person;

    create table posts as
    select
        cast(post as integer) as post,
        platform,
        ['{"', '".join(PLATFORMS[:NAMED])}'][platform + 1] as platform_id,
        ['{keys.MASTODON_NAME}@{keys.MASTODON_HOST}', '{keys.BLUESKY_DID}', '{keys.X_ACCOUNT}'][platform + 1] as account_id,
        ['mastodon_account', 'bluesky_account', 'x_account'][platform + 1] as identifier_type,
        if(platform = 0, 'favourite', 'like') as like_event,
        if(platform = 0, 'reblog', 'repost') as repost_event,
        content_id,
        posted_at
    from drawn_posts
    order by post;
"""
_QUERIES = {
    "activities": f"""
        select
            posts.platform_id,
            case acts.kind
                when {ACTS.index("like")} then posts.like_event
                when {ACTS.index("repost")} then posts.repost_event
                else 'reply'
            end as native_event,
            concat(acts.person, '-', acts.position) as activity_id,
            posts.account_id,
            posts.content_id,
            posts.identifier_type,
            case posts.platform
                when 0 then people.mastodon_acct when 1 then people.bluesky_did else people.x_account
            end as identifier_value,
            cast(1 as bigint) as activity_count,
            'person' as known_as,
            'event' as count_basis,
            true as is_incoming,
            cast(posts.posted_at + to_seconds(acts.delay) as timestamp) as occurred_at,
            false as is_provisional
        from drawn_acts as acts
        inner join posts on acts.post = posts.post
        inner join people on acts.person = people.person
    """,
    "entanglements": f"""
        select
            ['mastodon', 'bluesky', 'x', 'mailchimp'][spells.platform + 1] as platform_id,
            [
                '{keys.MASTODON_NAME}@{keys.MASTODON_HOST}', '{keys.BLUESKY_DID}', '{keys.X_ACCOUNT}', 'newsletter'
            ][spells.platform + 1] as account_id,
            ['mastodon_account', 'bluesky_account', 'x_account', 'email'][spells.platform + 1] as identifier_type,
            case spells.platform
                when 0 then people.mastodon_acct
                when 1 then people.bluesky_did
                when 2 then people.x_account
                else people.email_hash
            end as identifier_value,
            concat(spells.person, '-', spells.platform) as spell_id,
            events.entanglement_event,
            if(events.entanglement_event = 'started', spells.started_at, spells.ended_at)::timestamp as occurred_at,
            'reported' as known_as,
            cast(1 as bigint) as _load_id
        from drawn_spells as spells
        inner join people on spells.person = people.person
        cross join (values ('started'), ('ended')) as events(entanglement_event)
        where events.entanglement_event = 'started' or spells.ended_at is not null
        order by spells.person, spells.platform, occurred_at
    """,
    "conversions": """
        select
            'shopify' as platform_id,
            concat(orders.person, '-', orders.position) as conversion_id,
            'order' as conversion_kind,
            'email' as identifier_type,
            people.email_hash as identifier_value,
            cast(orders.amount / 100.0 as decimal(18, 2)) as gross_amount,
            orders.currency_code,
            cast(if(orders.is_refunded, orders.amount, 0) / 100.0 as decimal(18, 2)) as reversed_amount,
            orders.is_refunded as is_fully_reversed,
            cast(null as varchar) as payment_reference,
            cast(orders.converted_at as timestamp) as converted_at,
            cast(if(orders.is_refunded, orders.converted_at, null) as timestamp) as reversed_at,
            if(orders.is_refunded, 'reported', null) as reversal_known_as
        from drawn_orders as orders
        inner join people on orders.person = people.person
        order by orders.position
    """,
    "truth_orders": """
        select
            'shopify' as platform_id,
            concat(person, '-', position) as native_conversion_id,
            is_touched,
            is_caused,
            channel_id
        from drawn_orders
        order by position
    """,
}
"""What is written, a folder each; activities in the order of the people, which one thread keeps."""
_PLAIN = """
    select
        'mastodon' as platform_id,
        'favourite' as native_event,
        concat('1234567-', number % 5000000) as activity_id,
        'balkon@social.example' as account_id,
        concat('https://social.example/users/balkon/statuses/113000000000', number % 1500) as content_id,
        'mastodon_account' as identifier_type,
        concat('did:plc:abcdefghijklmnop', number // 20) as identifier_value,
        cast(1 as bigint) as activity_count,
        'person' as known_as,
        'event' as count_basis,
        true as is_incoming,
        timestamp '2024-06-01' + to_seconds(number % 63072000) as occurred_at,
        false as is_provisional
"""


def main(arguments: list[str] | None = None) -> int:
    """Write a large world and say what it cost; 1 if the arguments are no use."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.simulation.large", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write into, made where it is missing; must be empty")
    parser.add_argument("--activities", type=int, default=100_000_000)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, help="blocks written at once, each in some 0.5 GB; one for each core")
    asked = parser.parse_args(arguments)
    try:
        print(write_large(asked.out, asked.seed, asked.activities, asked.people, workers=asked.workers))
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
