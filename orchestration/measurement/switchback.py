"""Effects of a randomised switchback: pairs of periods, one on and one off in an order that a coin decided.

Inference rests on the coin alone: under no effect each pair's difference is as likely to have the other sign. The
interval collects the effects that the same test does not reject. Bojinov, Simchi-Levi and Zhao 2023, Management Science.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LARGEST_EXACT = 13
"""Pairs up to which all sign patterns are gone through, 8,192 at most; beyond, as many are drawn."""
DRAWS = 8_191
SEED = 20_240_601

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """The effects that a sign-flip test at level 1 - confidence does not reject; None where it never rejects any."""

    lower: float | None
    upper: float | None


def sign_patterns(pairs: int) -> Floats:
    """Rows of +1 and -1, the first of them all +1: every pattern of `pairs` signs, or a seeded sample of them."""
    if pairs <= LARGEST_EXACT:
        return np.array(list(product((1.0, -1.0), repeat=pairs)))
    drawn = np.random.Generator(np.random.PCG64(SEED)).integers(0, 2, (DRAWS, pairs)) * 2.0 - 1.0
    return np.vstack([np.ones(pairs), drawn])


def sign_flip_p_value(differences: Floats, patterns: Floats, effect: float = 0.0) -> float:
    """Two-sided p-value of `effect`: the share of sign patterns whose mean is at least as far from 0 as the one seen."""
    means = np.abs(patterns @ (differences - effect)) / len(differences)
    return float((means >= means[0] - 1e-12 * max(1.0, means[0])).mean())


def sign_flip_interval(differences: Floats, patterns: Floats, confidence: float) -> Interval:
    """Invert `sign_flip_p_value` by bisection, to 1e-9 of the differences' spread."""
    if 2 / len(patterns) > 1 - confidence:
        return Interval(None, None)
    centre = float(differences.mean())
    reach = float(np.ptp(differences)) * len(differences) + 1e-9
    return Interval(*(_edge(differences, patterns, 1 - confidence, centre, side * reach) for side in (-1, 1)))


def _edge(differences: Floats, patterns: Floats, level: float, centre: float, reach: float) -> float:
    inside, outside = centre, centre + reach
    for _ in range(50):
        middle = (inside + outside) / 2
        if sign_flip_p_value(differences, patterns, middle) > level:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def false_positive_share(differences: Floats, patterns: Floats, level: float, draws: int) -> float:
    """How often the test rejects at `level` when the coin is tossed anew over the same pairs without their mean effect.

    Patterns are exchangeable, so each draw's p-value is its rank among all of them.
    """
    means = np.abs(patterns @ (differences - differences.mean())) / len(differences)
    ordered = np.sort(means)
    drawn = np.random.Generator(np.random.PCG64(SEED + 1)).choice(means, draws)
    p_values = 1 - np.searchsorted(ordered, drawn - 1e-12, side="left") / len(ordered)
    return float((p_values <= level).mean())


def pairs_needed(differences: Floats, effect: float, power: float = 0.8, level: float = 0.05) -> int:
    """Pairs after which an effect of this size is found with this power, from the spread of pairs without one.

    `differences` are those of past pairs of periods in the unit of `effect`. The normal formula, and at least the six
    pairs without which no pattern of signs is rare enough for 5 %.
    """
    spread = float(np.std(differences, ddof=1))
    needed = ((stats.norm.ppf(1 - level / 2) + stats.norm.ppf(power)) * spread / effect) ** 2
    return max(6, int(np.ceil(needed)))


def seen_share(
    is_on: NDArray[np.bool_], kept_on: NDArray[np.bool_], kept_off: NDArray[np.bool_], fading: float
) -> float:
    """The part of all that the days on cause which the difference of kept days, times the days on, shows.

    `is_on`, `kept_on` and `kept_off` mark days in a row. An act's effect is spread over the days after it and fades to
    `fading` (0 to 1) of itself within a week: what it still does on days off hides from the comparison.
    """
    if fading <= 0:
        return 1.0
    daily = fading ** (1 / 7)
    effect = np.empty(len(is_on))
    left = 0.0
    for day, acts in enumerate(is_on):
        left = left * daily + (1 - daily) * acts
        effect[day] = left
    shown = effect[kept_on].mean() - effect[kept_off].mean()
    return float(shown * is_on.sum() / effect.sum())
