"""Shares that are asked after with errors, against known answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import binom

from orchestration.measurement.misclassification import ratio_limits, rogan_gladen


def test_rogan_gladen_gives_the_known_answers(oracles: Path) -> None:
    cases = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["rogan_gladen"]
    assert cases
    for case in cases:
        share, error = rogan_gladen(case["k"], case["n"], case["Se"], case["Sp"])
        assert (share, error) == pytest.approx((case["pi"], case["se_fixed_SeSp"]), abs=1e-9)


def test_a_sensitivity_found_in_few_adds_to_the_error() -> None:
    _, sure = rogan_gladen(180, 1000, 0.7, 1.0)
    share, unsure = rogan_gladen(180, 1000, 0.7, 1.0, sensitivity_trials=50)
    assert unsure**2 - sure**2 == pytest.approx(share**2 * 0.7 * 0.3 / 50 / 0.7**2)


def test_what_tells_nothing_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="tell nothing apart"):
        rogan_gladen(10, 100, 0.4, 0.6)


@pytest.mark.parametrize(("top", "bottom", "trials", "confirming"), [(0.2, 0.7, 500, 25), (0.05, 0.5, 100, 15)])
def test_the_upper_limit_of_a_ratio_holds_it_as_often_as_it_says(
    top: float, bottom: float, trials: int, confirming: int
) -> None:
    """Over all outcomes with their probabilities, one-sided 95 %; to a point, for counts are not continuous."""
    held = 0.0
    for confirmed in range(1, confirming + 1):
        limits = [
            ratio_limits((successes, trials), (confirmed, confirming), 1.645)[1] for successes in range(trials + 1)
        ]
        held += binom.pmf(confirmed, confirming, bottom) * float(
            binom.pmf(np.arange(trials + 1), trials, top)[np.array(limits) >= top / bottom].sum()
        )
    assert 0.94 < held <= 1


@given(some.integers(0, 50), some.integers(1, 50), some.integers(0, 50), some.integers(1, 50), some.floats(0.5, 3))
def test_a_ratio_lies_between_its_limits(a: int, n: int, b: int, m: int, deviation: float) -> None:
    numerator, denominator = (min(a, n), n), (min(b, m), m)
    lower, upper = ratio_limits(numerator, denominator, deviation)
    assert 0 <= lower <= upper
    if denominator[0]:
        ratio = numerator[0] / n / (denominator[0] / m)
        assert lower - 1e-9 <= ratio <= upper + 1e-9
