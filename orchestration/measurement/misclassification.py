"""How many are of a kind, when who is of it is asked with errors both ways."""

from __future__ import annotations

import math
from statistics import NormalDist

from orchestration.measurement.proportions import wilson_interval


def rogan_gladen(
    positives: float,
    trials: float,
    sensitivity: float,
    specificity: float,
    sensitivity_trials: float = math.inf,
    specificity_trials: float = math.inf,
) -> tuple[float, float]:
    """The true share and its standard error (Rogan and Gladen 1978); neither is cut to [0, 1].

    `(q + Sp - 1) / J` with `q = positives / trials` and `J = Se + Sp - 1`; its variance adds what is uncertain in a
    sensitivity and a specificity that were found in so many trials themselves. Raises `ValueError` unless J > 0.
    """
    informedness = sensitivity + specificity - 1
    if informedness <= 0:
        raise ValueError(f"sensitivity {sensitivity} and specificity {specificity} tell nothing apart")
    apparent = positives / trials
    share = (apparent + specificity - 1) / informedness
    variance = (
        apparent * (1 - apparent) / trials
        + share**2 * sensitivity * (1 - sensitivity) / sensitivity_trials
        + (1 - share) ** 2 * specificity * (1 - specificity) / specificity_trials
    ) / informedness**2
    return share, math.sqrt(variance)


def ratio_limits(
    numerator: tuple[float, float], denominator: tuple[float, float], deviation: float
) -> tuple[float, float]:
    """Limits of the ratio of two shares, each given as successes and trials, `deviation` standard errors away.

    From the two Wilson intervals by the method of variance estimates recovery (Donner and Zou 2012): it stays apart
    from 0 where the numerator has none, and needs no logarithm. The upper limit is infinite where the denominator may
    be 0. Raises `ValueError` where a share has no trials.
    """
    confidence = 2 * NormalDist().cdf(deviation) - 1
    top, bottom = numerator[0] / numerator[1], denominator[0] / denominator[1]
    top_lower, top_upper = wilson_interval(*numerator, confidence)
    bottom_lower, bottom_upper = wilson_interval(*denominator, confidence)

    def limit(top_limit: float, bottom_limit: float, sign: int) -> float:
        scale = bottom_limit * (2 * bottom - bottom_limit)
        if scale <= 0:
            return math.inf if sign > 0 else 0.0
        root = (top * bottom) ** 2 - top_limit * (2 * top - top_limit) * scale
        return (top * bottom + sign * math.sqrt(max(root, 0.0))) / scale

    return max(limit(top_lower, bottom_upper, -1), 0.0), limit(top_upper, bottom_lower, 1)
