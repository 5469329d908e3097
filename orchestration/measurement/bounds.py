"""Intervals for what data bound but do not name: identified sets, their sampling error, and where they meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.stats import nbinom, norm

Limit = Callable[[float], float]
"""A limit so many standard errors beyond an estimated bound."""


@dataclass(frozen=True)
class Interval:
    """An estimated set, and around it an interval that holds the true value with the stated confidence."""

    lower: float
    upper: float
    ci_lower: float
    ci_upper: float


def imbens_manski_deviation(
    lower: float, upper: float, se_lower: float, se_upper: float, confidence: float = 0.95
) -> float:
    """How many standard errors the interval reaches beyond the estimated bounds (Imbens and Manski 2004, equation 7).

    c with `Phi(c + (upper - lower) / max(se)) - Phi(-c) = confidence`: two-sided where the bounds meet, one-sided where
    they lie far apart, for the value can then be near one of them only. Their coverage is not uniform where the width is
    estimated badly (Stoye 2009). Raises `ValueError` where upper is below lower.
    """
    if upper < lower:
        raise ValueError(f"upper {upper} is below lower {lower}")
    error = max(se_lower, se_upper)
    least, most = float(norm.ppf(confidence)), float(norm.ppf((1 + confidence) / 2))
    if error <= 0:
        return least
    width = (upper - lower) / error
    # The ends are roots themselves where the bounds lie far apart or meet; rounding may then hide the change of sign.
    return float(brentq(lambda c: norm.cdf(c + width) - norm.cdf(-c) - confidence, least - 1e-9, most + 1e-9))


def imbens_manski(lower: float, upper: float, se_lower: float, se_upper: float, confidence: float = 0.95) -> Interval:
    """The interval for a value between two normally estimated bounds; see `imbens_manski_deviation`."""
    deviation = imbens_manski_deviation(lower, upper, se_lower, se_upper, confidence)
    return Interval(lower, upper, lower - deviation * se_lower, upper + deviation * se_upper)


def between(
    lower: float, upper: float, lower_limit: Limit, upper_limit: Limit, confidence: float, *, is_narrowest: bool
) -> Interval | None:
    """The interval for a value between two bounds whose limits are not those of normal errors.

    The narrowest interval of a ladder reaches as far as `imbens_manski_deviation` says, with errors from the limits' own
    lengths; wider ones reach two-sided, so that each holds the next. Bounds that cross by less than their error meet in
    one number; None where even the limits cross: the two cannot both be right.
    """
    deviation = reach = float(norm.ppf((1 + confidence) / 2))
    if is_narrowest:
        se_lower, se_upper = (lower - lower_limit(reach)) / reach, (upper_limit(reach) - upper) / reach
        deviation = imbens_manski_deviation(lower, max(lower, upper), se_lower, se_upper, confidence)
    ci_lower, ci_upper = lower_limit(deviation), upper_limit(deviation)
    if ci_lower > ci_upper:
        return None
    if lower > upper:
        lower = upper = (lower + upper) / 2
    return Interval(min(max(lower, ci_lower), ci_upper), min(max(upper, ci_lower), ci_upper), ci_lower, ci_upper)


@dataclass(frozen=True)
class Leak:
    """Codes that nobody was shown: how often they were used, and how often each could have been."""

    claims: float
    exposures: float

    @property
    def is_measured(self) -> bool:
        """Whether any such code could have been used at all."""
        return self.exposures > 0

    def most(self, chances: float, deviation: float) -> float:
        """How many leaked uses there are at most in so many chances of other codes, at a one-sided normal deviation.

        The predictive quantile of a Poisson rate under Jeffreys' prior, a negative binomial: it has the error of the
        rate and that of the leaked uses themselves.
        """
        if chances <= 0:
            return 0.0
        share = self.exposures / (self.exposures + chances)
        return float(nbinom.ppf(norm.cdf(deviation), self.claims + 0.5, share))


def proven(sure: float, by_code: float, exposed: float, codes: float, leak: Leak) -> tuple[float, Limit]:
    """How many are proven to be touched, and its lower limit.

    `sure` carry evidence that does not leak, `by_code` nothing but a code, and `exposed` are those without sure evidence
    who could have used any of the `codes`. With codes leaking at the rate r to the untouched, `T >= sure + (by_code -
    r exposed) / (1 - r)` (measurement design, 3.1, for what rests on codes alone). Where no leak was measured a code
    proves nothing.
    """
    if not leak.is_measured:
        return sure, lambda deviation: sure
    rate = codes * leak.claims / leak.exposures
    right = max(0.0, (by_code - rate * exposed) / (1 - rate)) if rate < 1 else 0.0
    estimate = sure + min(right, by_code)

    def limit(deviation: float) -> float:
        return min(estimate, sure + max(0.0, by_code - leak.most(codes * exposed, deviation)))

    return estimate, limit


def clicks_with_dark(referred: float, direct_share: float) -> float | None:
    """All clicks of a network, of which `direct_share` bring no referrer: `R / (1 - d)`; None where d is 1.

    Where every click is dark nothing of them is seen, however many there are: any number fits.
    """
    return None if direct_share >= 1 else referred / (1 - direct_share)
