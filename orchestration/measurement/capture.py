"""How many there are, from how often two sources find the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_IN_BOTH = 7
"""Fewer found by both say next to nothing of how many neither found (Robson and Regier 1964)."""


@dataclass(frozen=True)
class Capture:
    """An estimated number with its variance and log-normal 95 % interval, which never falls below those seen."""

    estimate: float
    variance: float
    seen: float
    lower: float
    upper: float


def chapman(first: float, second: float, both: float) -> Capture:
    """Chapman's estimate (1951) from those that the first source found, the second, and both.

    The interval is log-normal in those whom neither found (Chao 1987). Needs sources that name nobody wrongly and find
    independently of each other: what one names wrongly makes the estimate too big, what both prefer too small. Raises
    `ValueError` where more were found by both than by one.
    """
    if not 0 <= both <= min(first, second):
        raise ValueError(f"{both} cannot be found by both when {first} and {second} are found by one")
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    seen = first + second - both
    unseen = estimate - seen
    if unseen <= 0:
        return Capture(estimate, variance, seen, seen, seen)
    spread = math.exp(1.959963984540054 * math.sqrt(math.log(1 + variance / unseen**2)))
    return Capture(estimate, variance, seen, seen + unseen / spread, seen + unseen * spread)


def chapman_draws(draws: NDArray[np.int64], leaked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chapman's estimate in each draw of a Poisson bootstrap, less what leaked into the second source; shape (n,).

    `draws`, shape (n, 3), are those found by both, by the first alone and by the second alone; `leaked`, shape (n,),
    how many of the second's were found wrongly.
    """
    both, first_alone, second_alone = draws.T
    second = both + np.maximum(second_alone - leaked, 0)
    estimates: NDArray[np.float64] = (both + first_alone + 1) * (second + 1) / (both + 1) - 1
    return estimates
