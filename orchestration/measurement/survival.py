"""Curves of time to an event from life tables: Kaplan-Meier, and Aalen-Johansen where another event ends the wait.

A life table is counts by age, ages ascending: who enters the risk set at an age is at risk on it, and who has an event
or is censored at an age was still at risk on it. So delayed entry (left truncation) is a row of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from scipy.stats import chi2


@dataclass(frozen=True)
class Age:
    """One row of a life table; `age` in days since the start."""

    age: int
    entered: int = 0
    events: int = 0
    competing: int = 0
    """Events of another kind after which this one cannot happen any more."""
    censored: int = 0


@dataclass(frozen=True)
class Point:
    """A curve after the events of an age."""

    age: int
    at_risk: int
    survival: float
    """The share to whom neither event has happened; without competing events Kaplan and Meier's."""
    survival_error: float | None
    """Greenwood's standard error; None once nobody is left, where it is undefined."""
    incidence: float
    """The share to whom the event has happened (Aalen and Johansen)."""
    incidence_error: float | None
    competing_incidence: float


def curve(table: Sequence[Age]) -> list[Point]:
    """One point for each age at which someone is at risk. Raises `ValueError` where more leave than are at risk.

    Survival `S(t) = prod (1 - d / n)`, Greenwood's variance `S^2 sum d / (n (n - d))`; incidence `F(t) = sum S(u-) d1 / n`
    with the delta method's variance (Marubini and Valsecchi 1995), which is Greenwood's where nothing competes:
    `sum (F(t) - F(u))^2 d / (n (n - d)) + S(u-)^2 d1 (n - d1) / n^3 - 2 (F(t) - F(u)) S(u-) d1 / n^2`.
    """
    points: list[Point] = []
    survival, greenwood, incidence, competing, at_risk = 1.0, 0.0, 0.0, 0.0, 0
    # The variance of the incidence is a quadratic in F(t); its coefficients are sums over the ages so far.
    constant, linear, square = 0.0, 0.0, 0.0
    for row in sorted(table, key=lambda row: row.age):
        at_risk += row.entered
        both = row.events + row.competing
        if both + row.censored > at_risk:
            raise ValueError(f"age {row.age}: {both + row.censored} leave, but {at_risk} are at risk")
        if at_risk == 0:
            continue
        before = survival
        incidence += before * row.events / at_risk
        competing += before * row.competing / at_risk
        survival *= 1 - both / at_risk
        if both == at_risk:
            # Nothing can follow: F(t) - F(u) is 0 for this term, however it divides.
            greenwood = math.inf
            error = None
        else:
            greenwood += both / (at_risk * (at_risk - both))
            term, slope = both / (at_risk * (at_risk - both)), before * row.events / at_risk**2
            square += term
            linear += term * incidence + slope
            constant += (
                term * incidence**2
                + 2 * incidence * slope
                + before**2 * row.events * (at_risk - row.events) / at_risk**3
            )
            variance = square * incidence**2 - 2 * linear * incidence + constant
            error = math.sqrt(max(variance, 0.0))
        survival_error = survival * math.sqrt(greenwood) if math.isfinite(greenwood) else None
        points.append(Point(row.age, at_risk, survival, survival_error, incidence, error, competing))
        at_risk -= both + row.censored
    return points


def log_log_interval(share: float, error: float | None, confidence: float = 0.95) -> tuple[float, float] | None:
    """Limits of a share of a curve by the log(-log) transform, which keeps them in (0, 1).

    `share ** exp(-+ z error / (share ln share))`, Kalbfleisch and Prentice. None where the error is unknown or the share
    is 0 or 1, of which no normal approximation knows anything.
    """
    if error is None or not 0 < share < 1:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    spread = math.exp(z * error / (share * -math.log(share)))
    limits = share**spread, share ** (1 / spread)
    return min(limits), max(limits)


def median_age(points: Sequence[Point], *, of_incidence: bool = False) -> int | None:
    """The first age at which half are gone (or have had the event); None where the curve does not come so far."""
    for point in points:
        # Half up to rounding: .5 as a product of fractions need not be .5.
        share = point.incidence if of_incidence else 1 - point.survival
        if share >= 0.5 - 1e-12:
            return point.age
    return None


def poisson_rate_interval(events: int, exposure: float, confidence: float = 0.95) -> tuple[float, float]:
    """Exact limits of a rate of events over an exposure (Garwood 1936), in events a unit of exposure."""
    tail = (1 - confidence) / 2
    lower = 0.0 if events == 0 else float(chi2.ppf(tail, 2 * events)) / 2
    return lower / exposure, float(chi2.ppf(1 - tail, 2 * events + 2)) / 2 / exposure
