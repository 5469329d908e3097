"""How many more would act if there were more posts: unseen-species estimators for incidence in sampling units.

`counts` says how many persons were found in exactly k of the `units` posts, k >= 1: {1: Q1, 2: Q2, ...}. What they
estimate is a lower bound of those who act with any chance at all; whoever never acts is in none of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

Counts = Mapping[int, float]


@dataclass(frozen=True)
class Estimate:
    """A number of persons with its interval."""

    value: float
    lower: float
    upper: float


def chao2(counts: Counts, units: int, confidence: float = 0.95) -> Estimate:
    """Chao's bias-corrected lower bound of persons, seen and unseen.

    `S + A Q1 (Q1 - 1) / (2 (Q2 + 1))` with `A = (units - 1) / units` (Chao 2005, equation as in SpadeR's
    SpecInciChao2bc). The interval is log-normal in the unseen (Chao 1987), so it never falls below those seen; where
    nothing hints at an unseen person its upper end is that of SpadeR for a complete sample. Raises `ValueError` where a count is
    negative, stands for no unit or for more units than there are, or where nobody was seen.
    """
    _check(counts, units)
    seen = sum(counts.values())
    once, twice = counts.get(1, 0.0), counts.get(2, 0.0)
    factor = (units - 1) / units
    unseen = factor * once * (once - 1) / (2 * (twice + 1))
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    if unseen <= 0:
        return Estimate(seen, seen, _upper_of_a_complete_sample(counts, units, z))
    if twice > 0:
        ratio = once / twice
        variance = twice * (factor / 2 * ratio**2 + factor**2 * ratio**3 + factor**2 / 4 * ratio**4)
    else:
        variance = (
            factor * once * (once - 1) / 2
            + factor**2 * once * (2 * once - 1) ** 2 / 4
            - factor**2 * once**4 / (4 * (seen + unseen))
        )
    spread = math.exp(z * math.sqrt(math.log(1 + variance / unseen**2)))
    return Estimate(seen + unseen, seen + unseen / spread, seen + unseen * spread)


def sample_coverage(counts: Counts, units: int) -> float:
    """The share of all acting that is done by persons already seen (Good-Turing, for incidence: Chao and Jost 2012).

    `1 - (Q1 / U) (units - 1) Q1 / ((units - 1) Q1 + 2 Q2)`, U the incidences; where Q2 is 0, `(units - 1) (Q1 - 1)`
    stands for `(units - 1) Q1` and 2 for `2 Q2` in the last factor (SpadeR). Raises `ValueError` as `chao2` does.
    """
    _check(counts, units)
    once, twice = counts.get(1, 0.0), counts.get(2, 0.0)
    if once == 0:
        return 1.0
    incidences = sum(times * persons for times, persons in counts.items())
    new, repeated = ((units - 1) * once, 2 * twice) if twice > 0 else ((units - 1) * (once - 1), 2.0)
    return 1 - once / incidences * new / (new + repeated)


def likely_once(counts: Counts) -> float:
    """How many persons Q2, Q3 and Q4 would lead one to see once: `4 Q2^2 / (3 Q3) - Q2 Q3 / (2 Q4)`.

    Chiu and Chao 2016, for counts of which those of 1 are partly spurious; where Q3 or Q4 is 0 both denominators grow
    by 1, as in their program. Never negative.
    """
    twice, thrice, four_times = (counts.get(times, 0.0) for times in (2, 3, 4))
    more = 0.0 if thrice > 0 and four_times > 0 else 1.0
    return max(0.0, 4 * twice**2 / (3 * (thrice + more)) - twice * thrice / (2 * (four_times + more)))


def _upper_of_a_complete_sample(counts: Counts, units: int, z: float) -> float:
    seen = sum(counts.values())
    missed = sum(math.exp(-times) * persons for times, persons in counts.items()) / seen
    variance = (
        sum((math.exp(-times) - math.exp(-2 * times)) * persons for times, persons in counts.items())
        - sum(times * math.exp(-times) * persons for times, persons in counts.items()) ** 2 / units
    )
    return (seen + z * math.sqrt(max(variance, 0.0))) / (1 - missed)


def _check(counts: Counts, units: int) -> None:
    if any(times < 1 or times > units or persons < 0 for times, persons in counts.items()):
        raise ValueError(f"{dict(counts)} are no counts of persons by posts out of {units}")
    if sum(counts.values()) <= 0:
        raise ValueError("nobody was seen, so nothing is known of the unseen")
