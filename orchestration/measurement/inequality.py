"""How unequally acts are spread over those who act: Gini's coefficient and the share of the busiest.

A histogram gives the number of persons for each number of acts: {acts: persons}, acts >= 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

REPLICATIONS = 1000
SEED = 20250608
Histogram = Mapping[int, int]
Numbers = NDArray[np.float64]


def gini(histogram: Histogram) -> float:
    """0 where all act alike, towards 1 where one person does everything; over persons who act at all.

    `sum (2 i - n - 1) x_i / (n sum x)` over persons i in the order of their acts. Raises `ValueError` without persons.
    """
    acts, persons = _arrays(histogram)
    return float(_gini(acts, persons[None, :])[0])


def top_share(histogram: Histogram, top: float) -> float:
    """The share of all acts that the busiest `top` of persons do, a person counting in part where it must.

    So it is one less Lorenz's curve at `1 - top`. Raises `ValueError` without persons.
    """
    acts, persons = _arrays(histogram)
    return float(_top_share(acts, persons[None, :], top)[0])


def gini_interval(histogram: Histogram, confidence: float = 0.95) -> tuple[float, float]:
    """Percentiles over resamples of the persons (`REPLICATIONS` from a fixed seed)."""
    acts, persons = _arrays(histogram)
    return _percentiles(_gini(acts, _resampled(persons)), confidence)


def top_share_interval(histogram: Histogram, top: float, confidence: float = 0.95) -> tuple[float, float]:
    """As `gini_interval`. Too narrow where a handful of persons does most: a resample holds nobody busier."""
    acts, persons = _arrays(histogram)
    return _percentiles(_top_share(acts, _resampled(persons), top), confidence)


def _arrays(histogram: Histogram) -> tuple[Numbers, Numbers]:
    rows = sorted(histogram.items())
    acts, persons = (np.array([row[side] for row in rows], float) for side in (0, 1))
    if not rows or (acts < 1).any() or (persons < 0).any() or persons.sum() == 0:
        raise ValueError("a histogram needs persons, each with an act")
    return acts, persons


def _resampled(persons: Numbers) -> Numbers:
    """Shape (replications, number of different acts)."""
    total = int(persons.sum())
    return np.random.default_rng(SEED).multinomial(total, persons / total, REPLICATIONS).astype(float)


def _gini(acts: Numbers, persons: Numbers) -> Numbers:
    total = persons.sum(1)
    up_to = np.cumsum(persons, 1)
    # The ranks of those with equal acts are i = up_to - persons + 1 .. up_to, on average:
    rank = up_to - (persons - 1) / 2
    weighted = ((2 * rank - total[:, None] - 1) * persons * acts).sum(1)
    return np.asarray(weighted / (total * (persons * acts).sum(1)))


def _top_share(acts: Numbers, persons: Numbers, top: float) -> Numbers:
    busiest_first = persons[:, ::-1]
    before = np.cumsum(busiest_first, 1) - busiest_first
    counted = np.clip(top * persons.sum(1)[:, None] - before, 0, busiest_first)
    return np.asarray((counted * acts[::-1]).sum(1) / (persons * acts).sum(1))


def _percentiles(values: Numbers, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail])
    return float(lower), float(upper)
