"""The effect on treated units from a weighted mean of the others that followed them before.

Abadie, Diamond and Hainmueller 2010; each unit's own mean of the time before is taken out first, as in GeoLift's model
with fixed effects (Ferman and Pinto 2021), so that only movements need to agree, not levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

PERMUTATIONS = 10_000
SEED = 20_240_601
FARTHEST = 12.0
"""How far from the estimate its limits are looked for, in root mean squares of the movements that stay unexplained."""
STEPS = 120
FIRM_SUM = 1e4
"""Weight of the condition that the weights add up to one, in units of the largest movement."""


@dataclass(frozen=True)
class SyntheticControl:
    """What the treated units did beyond their synthetic control."""

    weights: Floats
    """One per control unit, not negative, sum 1."""
    average_effect: float
    """Per treated unit and period (ATT)."""
    total_effect: float
    lift: float
    """Total effect by the counterfactual."""
    imbalance: float
    """Euclidean distance in the time before."""
    scaled_imbalance: float
    """The same by the distance of equal weights."""
    rotation_p_value: float
    """Rank of the residuals after the start among rotations of time: valid where they depend on those before."""
    permutation_p_value: float
    """The same among permutations of time, which GeoLift prints: valid only where they do not."""


def synthetic_control(treated: Floats, controls: Floats, periods_before: int) -> SyntheticControl:
    """Estimate from `treated` (units x periods) and `controls` (units x periods), treated after `periods_before`.

    Raises `ValueError` without a control unit, or with fewer than two periods before or none after.
    """
    periods = treated.shape[1]
    if len(controls) == 0 or periods_before < 2 or periods_before >= periods:
        raise ValueError("a synthetic control needs control units, two periods before and one after")
    outcome, donors = _movements(treated, controls, periods_before)
    weights = _simplex_weights(donors[:, :periods_before].T, outcome[:periods_before])
    gaps = outcome - weights @ donors
    before, after = gaps[:periods_before], gaps[periods_before:]
    equal = outcome[:periods_before] - donors[:, :periods_before].mean(axis=0)
    total = float(after.sum()) * len(treated)
    distance = float(np.linalg.norm(before))
    return SyntheticControl(
        weights=weights,
        average_effect=float(after.mean()),
        total_effect=total,
        lift=total / (float(treated[:, periods_before:].sum()) - total),
        imbalance=distance,
        scaled_imbalance=distance / float(np.linalg.norm(equal)),
        rotation_p_value=rotation_p_value(treated, controls, periods_before),
        permutation_p_value=_permutation_p_value(outcome, donors, periods - periods_before),
    )


def rotation_p_value(treated: Floats, controls: Floats, periods_before: int, effect: float = 0.0) -> float:
    """The rank of the residuals after the start among rotations of time, if each treated unit gained `effect` a period.

    Units' means over all periods are taken out: with those of the time before alone the residuals after it are larger by
    that mean's error, and 5.8 % of 2,500 series without effect had a p-value up to .05; so 5.1 % of 1,500 have.
    """
    periods = treated.shape[1]
    gained = np.where(np.arange(periods) < periods_before, 0.0, effect)
    outcome, donors = _movements(treated - gained, controls, periods)
    return _rotation_p_value(_residuals(outcome, donors), periods - periods_before)


def effect_limits(
    treated: Floats, controls: Floats, periods_before: int, confidence: float = 0.95
) -> tuple[float | None, float | None]:
    """The outermost effects per treated unit and period that the rotations do not reject; None where none is rejected."""
    found = synthetic_control(treated, controls, periods_before)
    step = FARTHEST / STEPS * found.imbalance / np.sqrt(periods_before)
    limits: list[float | None] = []
    for side in (-1, 1):
        effects = found.average_effect + side * step * np.arange(STEPS, -1, -1)
        kept = (
            effect for effect in effects if rotation_p_value(treated, controls, periods_before, effect) > 1 - confidence
        )
        outermost = next(kept, found.average_effect)
        limits.append(None if outermost == effects[0] else float(outermost))
    return limits[0], limits[1]


def _movements(treated: Floats, controls: Floats, first_periods: int) -> tuple[Floats, Floats]:
    return _without_own_mean(treated, first_periods).mean(axis=0), _without_own_mean(controls, first_periods)


def _without_own_mean(units: Floats, first_periods: int) -> Floats:
    return np.asarray(units - units[:, :first_periods].mean(axis=1, keepdims=True))


def _simplex_weights(donors: Floats, outcome: Floats) -> Floats:
    """Least squares with weights that are not negative and add up to one: `nnls` with one very firm row."""
    scale = float(np.abs(donors).max()) or 1.0
    rows = np.vstack([donors / scale, np.full(donors.shape[1], FIRM_SUM)])
    weights, _ = nnls(rows, np.append(outcome / scale, FIRM_SUM), maxiter=50 * donors.shape[1])
    return np.asarray(weights / weights.sum())


def _permutation_p_value(outcome: Floats, donors: Floats, periods_after: int) -> float:
    """Chernozhukov, Wüthrich and Zhu 2021: fitted under no effect on all periods, the residuals change places in time."""
    residuals = _residuals(outcome, donors)
    random = np.random.Generator(np.random.PCG64(SEED))
    seen = residuals[-periods_after:].sum() - 1e-9
    permuted = (random.permutation(residuals)[-periods_after:].sum() >= seen for _ in range(PERMUTATIONS))
    return float(np.mean(list(permuted)))


def _residuals(outcome: Floats, donors: Floats) -> Floats:
    return np.asarray(np.abs(outcome - _simplex_weights(donors.T, outcome) @ donors))


def _rotation_p_value(residuals: Floats, periods_after: int) -> float:
    around = np.concatenate([residuals, residuals[: periods_after - 1]])
    sums = np.convolve(around, np.ones(periods_after), mode="valid")
    return float(np.mean(sums >= sums[-periods_after] - 1e-9))
