"""Plan a posting experiment: how long it must last, and in which weeks the brand posts, drawn by lot.

What a brand's posts cause can be known in total and from nothing else: post in some fortnights and hold back in
others, in an order that a coin decides before the first day. The plan is a file for the folder of exports, because
landing it is what registers it.
"""

from __future__ import annotations

import argparse
import csv
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from orchestration.measurement.incrementality import FEWEST_PAIRS, WEEKLY_FADING
from orchestration.measurement.switchback import pairs_needed, seen_share
from orchestration.settings import Settings

BLOCK_DAYS = 14
WASHOUT_DAYS = 7
HEADERS = ("experiment_id", "pair", "arm", "starts_on", "ends_on", "washout_days", "seed", "registered_at")

HISTORY = """
select day::date as day, count(conversion_key) as purchases
from range((select min(converted_date) from marts.fct_conversions where conversion_kind in ('order', 'payment')),
    (select max(converted_date) from marts.fct_conversions where conversion_kind in ('order', 'payment')),
    interval 1 day) as days (day)
left join marts.fct_conversions
    on converted_date = day::date and conversion_kind in ('order', 'payment') and not is_fully_reversed
group by day
order by day
"""
"""Without the newest day, which is provisional."""


class PlanError(ValueError):
    """The plan that was asked for cannot be made; says why and what would do."""


@dataclass(frozen=True)
class Length:
    """How many pairs of blocks an effect of the wished-for size needs."""

    purchases_a_week: float
    pairs: int

    @property
    def weeks(self) -> int:
        """Of the whole experiment."""
        return self.pairs * 2 * BLOCK_DAYS // 7


def length_needed(purchases: np.ndarray[tuple[int], np.dtype[np.float64]], effect: float) -> Length:
    """From purchases a day in the past and the wished-for effect, 0.2 for a fifth more purchases while posting.

    Raises `PlanError` where the past holds fewer than four pairs of blocks: their spread says what chance does.
    """
    pairs = len(purchases) // (2 * BLOCK_DAYS)
    if pairs < 4:
        raise PlanError(f"{len(purchases)} days of purchases are known; 8 weeks in fortnights need {8 * BLOCK_DAYS}")
    if effect <= 0 or not purchases.any():
        raise PlanError("there is nothing to find without purchases or with an effect of nothing")
    blocks = purchases[-pairs * 2 * BLOCK_DAYS :].reshape(pairs, 2, BLOCK_DAYS)[:, :, WASHOUT_DAYS:].mean(axis=2)
    alternating = np.arange(20 * BLOCK_DAYS) // BLOCK_DAYS % 2 == 0
    kept = np.arange(20 * BLOCK_DAYS) % BLOCK_DAYS >= WASHOUT_DAYS
    shown = seen_share(alternating, alternating & kept, ~alternating & kept, WEEKLY_FADING)
    needed = pairs_needed(blocks[:, 0] - blocks[:, 1], effect * float(purchases.mean()) * shown)
    return Length(float(purchases.mean()) * 7, needed)


def blocks(experiment_id: str, start: date, pairs: int, seed: int, registered_at: datetime) -> Iterator[dict[str, str]]:
    """The rows of a plan; the seed draws which block of each pair is on."""
    first_is_on = np.random.Generator(np.random.PCG64(seed)).random(pairs) < 0.5
    for number in range(2 * pairs):
        pair, second = divmod(number, 2)
        begin = start + timedelta(days=number * BLOCK_DAYS)
        values = (
            experiment_id,
            str(pair + 1),
            "on" if first_is_on[pair] != bool(second) else "off",
            begin.isoformat(),
            (begin + timedelta(days=BLOCK_DAYS - 1)).isoformat(),
            str(WASHOUT_DAYS),
            str(seed),
            f"{registered_at:%Y-%m-%dT%H:%M:%SZ}",
        )
        yield dict(zip(HEADERS, values, strict=True))


def main() -> int:
    """Print what the experiment needs and write its plan into the folder of exports."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.planner", description=__doc__)
    parser.add_argument("name", help="name of the experiment, which no other plan has")
    parser.add_argument("--start", type=date.fromisoformat, required=True, help="first day, after today: 2027-01-04")
    parser.add_argument("--effect", type=float, default=0.2, help="smallest effect worth finding, 0.2 for +20 %%")
    arguments = parser.parse_args()
    try:
        path, length = write_plan(Settings.from_environment(), arguments.name, arguments.start, arguments.effect)
    except PlanError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"At {length.purchases_a_week:.0f} purchases a week, an effect of {arguments.effect:+.0%} shows in 4 of 5 cases"
        f" after {length.weeks} weeks ({length.pairs} pairs of fortnights).\n"
        f"The plan is in {path}: post in the blocks that are on, and in no other. The next run registers it."
    )
    return 0


def write_plan(settings: Settings, name: str, start: date, effect: float) -> tuple[Path, Length]:
    """Write the plan's file. Raises `PlanError` without a publication, for a used name, or a start that is not ahead."""
    published = settings.published / "current" / "balcony_marts.duckdb"
    path = settings.exports / "experiments" / f"{name}.csv"
    now = datetime.now(UTC).replace(tzinfo=None)
    if not re.fullmatch("[a-z0-9_-]+", name):
        raise PlanError(f"{name!r} is no name: small letters, digits, - and _ only")
    if not published.exists():
        raise PlanError("nothing is published yet, so nothing is known of purchases: start with make run")
    if path.exists():
        raise PlanError(f"{path} is there already; an experiment is planned once")
    if start <= now.date():
        raise PlanError(f"{start} is not ahead: a plan counts only if it was registered before its first day")
    with duckdb.connect(str(published), read_only=True) as connection:
        purchases = connection.execute(HISTORY).fetchnumpy()["purchases"].astype(float)
    length = length_needed(purchases, effect)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADERS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(blocks(name, start, max(FEWEST_PAIRS, length.pairs), secrets.randbelow(2**31), now))
    return path, length


if __name__ == "__main__":
    sys.exit(main())
