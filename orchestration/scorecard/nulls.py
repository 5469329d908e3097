"""Verdicts on series in which nothing happens: how often each test of the product finds something all the same.

Worlds of the scorecard are a year long and cost seconds; these series cost milliseconds, may be longer, and move in
ways that worlds do not: with memory, seasons and shocks. Each design draws weekly or daily purchases and asks the
functions that fill the marts. Prints a table; `python -m orchestration.scorecard.nulls --series 400`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.measurement.incrementality import NOMINAL, incrementality_estimates
from orchestration.measurement.interrupted_series import season
from orchestration.measurement.lagged_ranks import lagged_rank_test
from orchestration.measurement.proportions import wilson_interval
from orchestration.planner import blocks

Floats = NDArray[np.float64]
Verdict = bool | None
"""Whether an effect is found; None where no verdict is given."""

USUAL = 40.0
"""Purchases a week."""
SPREAD = 0.12
"""Of the log of weekly demand (measurement design, section 6)."""
MONDAY = pd.Timestamp("2020-01-06")
NO_SERIES = pd.DataFrame(columns=["series_kind", "week_start_date", "weekly_value"])
NO_REGIONS = pd.DataFrame(columns=["experiment_id", "region_code", "is_treated", "purchase_count", "week_start_date"])


@dataclass(frozen=True)
class Design:
    """A test, and how the series are drawn on which it is asked."""

    name: str
    asked: Callable[[np.random.Generator], Verdict]


def proxy(weeks: int, memory: float) -> Callable[[np.random.Generator], Verdict]:
    """A proxy and purchases that share a season, each with a memory of its own."""

    def asked(random: np.random.Generator) -> Verdict:
        wave = season(weeks, 1)[:, 0]
        first, second = (np.exp(4 + 0.3 * _memory(random, weeks, memory) + wave) for _ in range(2))
        test = lagged_rank_test(first, second, np.zeros(weeks))
        return None if test is None else test.p_value <= NOMINAL

    return asked


def switchback(pairs: int, memory: float) -> Callable[[np.random.Generator], Verdict]:
    """A plan as the planner draws it, over days that go on as they would without it."""

    def asked(random: np.random.Generator) -> Verdict:
        planned = list(
            blocks("null", date(2020, 1, 6), pairs, int(random.integers(1 << 30)), datetime(2019, 12, 1, tzinfo=UTC))
        )
        weekly = _demand(random, 4 * pairs, memory)
        daily = random.poisson(np.repeat(weekly, 7) / 7)
        rows = []
        for row in planned:
            first, last = (pd.Timestamp(row[name]) for name in ("starts_on", "ends_on"))
            start, end = (first - MONDAY).days, (last - MONDAY).days + 1
            rows.append(
                _block(first, last, str(row["arm"]), float(row["pair"]))
                | {
                    "washout_days": int(row["washout_days"]),
                    "day_count": end - start,
                    "kept_day_count": end - start - int(row["washout_days"]),
                    "purchase_count": int(daily[start:end].sum()),
                    "kept_purchase_count": int(daily[start + int(row["washout_days"]) : end].sum()),
                }
            )
        return _verdict(incrementality_estimates(pd.DataFrame(rows), NO_SERIES, NO_REGIONS))

    return asked


def interrupted(before: int, tried: int, memory: float) -> Callable[[np.random.Generator], Verdict]:
    """The last weeks of a series are said to be a trial."""

    def asked(random: np.random.Generator) -> Verdict:
        weeks = before + tried + 1
        series = pd.DataFrame(
            {
                "series_kind": "purchases",
                "week_start_date": pd.date_range(MONDAY, periods=weeks, freq="7D"),
                "weekly_value": random.poisson(_demand(random, weeks, memory)).astype(float),
            }
        )
        return _verdict(incrementality_estimates(pd.DataFrame([_trial(weeks, tried)]), series, NO_REGIONS))

    return asked


def regional(before: int, tried: int, others: int, memory: float) -> Callable[[np.random.Generator], Verdict]:
    """In one of several regions that share half of their movements the last weeks are said to be a trial."""

    def asked(random: np.random.Generator) -> Verdict:
        weeks = before + tried + 1
        shared = _memory(random, weeks, memory)
        names = [f"R{number}" for number in range(others + 1)]
        series = pd.concat(
            pd.DataFrame(
                {
                    "experiment_id": "null",
                    "region_code": name,
                    "is_treated": name == "R0",
                    "week_start_date": pd.date_range(MONDAY, periods=weeks, freq="7D"),
                    "purchase_count": random.poisson(
                        USUAL * np.exp(SPREAD * (shared + _memory(random, weeks, memory)) / np.sqrt(2))
                    ),
                }
            )
            for name in names
        )
        trial = pd.DataFrame([_trial(weeks, tried) | {"region_code": "R0"}])
        return _verdict(incrementality_estimates(trial, NO_SERIES, series))

    return asked


def _memory(random: np.random.Generator, weeks: int, memory: float) -> Floats:
    """A series of mean 0 and spread 1 of which so much is left after a week."""
    drawn = random.normal(size=weeks)
    for week in range(1, weeks):
        drawn[week] = memory * drawn[week - 1] + np.sqrt(1 - memory**2) * drawn[week]
    return drawn


def _demand(random: np.random.Generator, weeks: int, memory: float) -> Floats:
    demand: Floats = USUAL * np.exp(SPREAD * _memory(random, weeks, memory) + 0.15 * season(weeks, 1)[:, 0])
    return demand


def _block(first: pd.Timestamp, last: pd.Timestamp, arm: str, pair: float | None) -> dict[str, object]:
    return {
        "experiment_id": "null",
        "pair_number": pair,
        "region_code": None,
        "arm": arm,
        "is_registered_before": True,
        "is_over": True,
        "block_start_date": first,
        "block_end_date": last,
    }


def _trial(weeks: int, tried: int) -> dict[str, object]:
    first = MONDAY + pd.Timedelta(weeks=weeks - tried)
    last = MONDAY + pd.Timedelta(weeks=weeks) - pd.Timedelta(days=1)
    counts = {"washout_days": 0, "day_count": 7 * tried, "kept_day_count": 7 * tried}
    return _block(first, last, "on", None) | counts | {"purchase_count": 0, "kept_purchase_count": 0}


def _verdict(found: pd.DataFrame) -> Verdict:
    (row,) = found.to_dict("records")
    return bool(row["p_value"] <= NOMINAL) if row["status"] == "ok" else None


DESIGNS = (
    *(Design(f"proxy test, {weeks} weeks", proxy(weeks, 0.5)) for weeks in (52, 104, 156)),
    *(Design(f"switchback, {pairs} pairs", switchback(pairs, 0.5)) for pairs in (13, 26)),
    *(Design(f"interrupted series, memory {memory}", interrupted(260, 8, memory)) for memory in (0.0, 0.3, 0.6, 0.8)),
    *(Design(f"synthetic control, memory {memory}", regional(92, 8, 12, memory)) for memory in (0.0, 0.5)),
)


def table(designs: Sequence[Design], series: int, seed: int) -> list[str]:
    """A line of Markdown for each design: series, verdicts given, effects found, their share with Wilson's interval."""
    lines = ["| test | series | verdicts | effects found | share of verdicts |", "|---|---|---|---|---|"]
    for number, design in enumerate(designs):
        verdicts = [design.asked(np.random.default_rng([seed, number, one])) for one in range(series)]
        given = [verdict for verdict in verdicts if verdict is not None]
        found = sum(given)
        share = "none given"
        if given:
            lower, upper = wilson_interval(found, len(given))
            share = f"{found / len(given):.3f} ({lower:.3f} to {upper:.3f})"
        lines.append(f"| {design.name} | {series} | {len(given)} | {found} | {share} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.scorecard.nulls", description=__doc__)
    parser.add_argument("--series", type=int, default=400, help="series of each design (default 400)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for line in table(DESIGNS, options.series, options.seed):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
