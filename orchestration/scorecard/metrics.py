"""What many worlds say of an estimate: bias, error, coverage, and whether it goes wrong where a reader would see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean, stdev

from orchestration.scorecard.estimates import ESTIMATES, RANK

VISIBLE_BIAS = 0.25
"""Relative bias from which a reading is said to fail."""
VISIBLE_FALSE_SHARE = 0.01
"""Where the truth is 0: the claimed number by all conversions, from which a reading is said to fail."""
VISIBLE_TAU = 0.5
"""Mean tau below which an order is said to fail: more than a quarter of all pairs stand the wrong way round."""


@dataclass(frozen=True)
class Score:
    """One estimate of one world beside the truth: a row of `scorecard.csv`.

    `value` is None where the marts give none, a side of the interval where they leave it open.
    """

    code_version: str
    size: str
    regime: str
    seed: int
    conversions: int
    """N as it truly is, which widths of intervals are divided by."""
    estimate_id: str
    scope: str
    value: float | None
    truth: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Summary:
    """One estimate in one regime over its worlds: a row of `scorecard_summary.csv`. None: cannot be said."""

    size: str
    regime: str
    estimate_id: str
    scope: str
    worlds: int
    missing: int
    """Worlds among them without a value and without an interval."""
    intervals: int
    """Worlds among them with an interval."""
    conversions_mean: float
    truth_mean: float
    """Over the worlds with a value, as bias and error are; over all where none has one."""
    value_mean: float | None
    bias: float | None
    """Mean of value less truth."""
    bias_se: float | None
    """Its standard error; None for a single world."""
    relative_bias: float | None
    """Bias by the mean truth; None where that is 0."""
    relative_rmse: float | None
    unequal_worlds: int
    """Worlds in which value and truth differ at all."""
    coverage: float | None
    coverage_se: float | None
    """With two hits and two misses added (Agresti and Coull 1998), so that 20 hits of 20 have one too."""
    width_share: float | None
    """Mean width by N, over the worlds in which both sides are closed."""

    @property
    def fails(self) -> bool:
        """Whether it is wrong by what a reader would notice, and by more than two standard errors of these worlds."""
        if self.bias is None or self.value_mean is None or self.bias_se is None:
            return False
        if self.scope == RANK:
            return self.value_mean + 2 * self.bias_se < VISIBLE_TAU
        tolerated = VISIBLE_BIAS * abs(self.truth_mean) or VISIBLE_FALSE_SHARE * self.conversions_mean
        return abs(self.bias) > tolerated + 2 * self.bias_se

    def __str__(self) -> str:
        """The finding in a few characters: the coverage of intervals, tau for an order, else the relative bias."""
        if self.coverage is not None:
            return f"covers {self.coverage:.2f}" + (
                "" if self.width_share is None else f", width {self.width_share:.2f}"
            )
        if self.value_mean is None:
            return "no value"
        if self.scope == RANK:
            return f"{self.value_mean:.2f}"
        if not self.unequal_worlds:
            return "exact"
        if self.relative_bias is None:
            return f"{self.value_mean:,.0f} vs 0" if self.value_mean >= 10 else f"{self.value_mean:.1f} vs 0"
        return f"{self.relative_bias:+.{0 if abs(self.relative_bias) >= 0.1 else 1}%}".replace("%", " %")


def summarise(scores: Iterable[Score]) -> list[Summary]:
    """One summary for each size, regime, estimate and scope."""

    def key(score: Score) -> tuple[str, str, str, str]:
        return score.size, score.regime, score.estimate_id, score.scope

    return [_summary(*group, _beside_mean(list(rows))) for group, rows in groupby(sorted(scores, key=key), key)]


def _beside_mean(rows: Sequence[Score]) -> Sequence[Score]:
    """Of what no world tells the truth, the mean of all worlds does."""
    estimate = ESTIMATES.get(rows[0].estimate_id)
    known = [row.value for row in rows if row.value is not None]
    if estimate is None or estimate.kind != "resampled" or not known:
        return rows
    return [replace(row, truth=fmean(known)) for row in rows]


def _summary(size: str, regime: str, estimate_id: str, scope: str, rows: Sequence[Score]) -> Summary:
    known = [(row.value, row.truth) for row in rows if row.value is not None]
    errors = [value - truth for value, truth in known]
    truth_mean = fmean([truth for _, truth in known] or [row.truth for row in rows])
    is_relative = bool(errors) and truth_mean != 0
    bounded = [row for row in rows if row.lower is not None or row.upper is not None]
    hits = sum(_low(row) <= row.truth <= _high(row) for row in bounded)
    adjusted = (hits + 2) / (len(bounded) + 4)
    widths = [
        (_high(row) - _low(row)) / row.conversions
        for row in bounded
        if row.conversions and math.isfinite(_high(row) - _low(row))
    ]
    return Summary(
        size=size,
        regime=regime,
        estimate_id=estimate_id,
        scope=scope,
        worlds=len(rows),
        missing=sum(row.value is None and row not in bounded for row in rows),
        intervals=len(bounded),
        conversions_mean=fmean(row.conversions for row in rows),
        truth_mean=truth_mean,
        value_mean=fmean(value for value, _ in known) if known else None,
        bias=fmean(errors) if errors else None,
        bias_se=stdev(errors) / math.sqrt(len(errors)) if len(errors) > 1 else None,
        relative_bias=fmean(errors) / truth_mean if is_relative else None,
        relative_rmse=math.sqrt(fmean(error**2 for error in errors)) / truth_mean if is_relative else None,
        unequal_worlds=sum(
            abs(error) > 1e-9 * max(1, abs(truth)) for error, (_, truth) in zip(errors, known, strict=True)
        ),
        coverage=hits / len(bounded) if bounded else None,
        coverage_se=math.sqrt(adjusted * (1 - adjusted) / (len(bounded) + 4)) if bounded else None,
        width_share=fmean(widths) if widths else None,
    )


def _low(row: Score) -> float:
    return -math.inf if row.lower is None else row.lower


def _high(row: Score) -> float:
    return math.inf if row.upper is None else row.upper
