"""Intervals by a Poisson bootstrap over people, at a cost that does not grow with them.

A bootstrap gives each person a weight that is Poisson with mean 1. For a sum over people the law of the weighted sum is
known, and SQL evaluates it (macro `poisson_interval`). Everything else is linearised, and its people are put into 128
groups by a hash of their key: the weighted sum over groups has the same variance as that over people, itself known to
one part in sqrt(2 * 128), that is 6 % of an interval's width. The weights come from md5, so any engine draws the same.
"""

from __future__ import annotations

from functools import cache
from hashlib import md5
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GROUPS = 128
REPLICATES = 1000
LEVEL = 0.95
STEPS = np.exp(-1) * np.cumsum([1 / factorial(weight) for weight in range(20)])
"""Probability that a Poisson variable with mean 1 is at most 0, 1, 2 ..."""


def sums_at(places: npt.NDArray[Any], amounts: npt.NDArray[Any], size: int) -> Floats:
    """The amounts of each place from 0 to `size` - 1 added up."""
    return np.asarray(np.bincount(places, amounts, size), dtype=np.float64)


def poisson_weight(uniform: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The Poisson variable with mean 1 at a point of its distribution, 0 <= point < 1."""
    return np.asarray(np.searchsorted(STEPS, np.asarray(uniform), side="right"), dtype=np.int64)


def uniform_of(unit: str, replicate: int) -> float:
    """A number from 0 to below 1 out of md5: the same for a unit and replicate everywhere."""
    return int(md5(f"{unit}|{replicate}".encode()).hexdigest()[:13], 16) / 16**13


@cache
def group_weights(groups: int = GROUPS, replicates: int = REPLICATES) -> Floats:
    """Poisson weights, (replicates, groups), each replicate scaled to the mean 1.

    Without the scaling the number of groups would vary like a number of people, though it is a constant of ours.
    """
    drawn = [[uniform_of(str(group), replicate) for group in range(groups)] for replicate in range(replicates)]
    weights = poisson_weight(drawn).astype(np.float64)
    scaled: Floats = weights * groups / weights.sum(axis=1, keepdims=True)
    return scaled


def deviations(scores: Floats) -> tuple[Floats, Floats]:
    """How far below and above its value each of several sums over groups lies, at the level of 95 %.

    `scores` is (groups, sums), a group without people included as zeros. The first is never above 0, the second never
    below: the interval holds the value.
    """
    groups = len(scores)
    # In parts, so that what is held at once does not grow with the number of sums.
    parts = np.array_split(scores * np.sqrt(groups / (groups - 1)), scores.shape[1] // 1000 + 1, axis=1)
    chances = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    weights = group_weights(groups) - 1
    low, high = np.concatenate([np.quantile(weights @ part, chances, axis=0) for part in parts], axis=1)
    return np.minimum(low, 0.0), np.maximum(high, 0.0)


def split_scores(total: float, total_scores: Floats, effects: Floats, effect_scores: Floats) -> Floats:
    """What each group adds, to first order, to a total that is split in proportion to effects: (groups, effects).

    `total_scores` is (groups,) and adds up to the total; `effect_scores` is (groups, effects).
    """
    shares = effects / effects.sum()
    moved = (effect_scores - np.outer(effect_scores.sum(axis=1), shares)) / effects.sum()
    scores: Floats = np.outer(total_scores, shares) + total * moved
    return scores
