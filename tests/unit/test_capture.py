"""Numbers from two sources, against known answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from orchestration.measurement.capture import chapman, chapman_draws


def test_chapman_gives_the_known_answers(oracles: Path) -> None:
    cases = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["chapman"]
    assert cases
    for case in cases:
        found = chapman(case["n_a"], case["n_b"], case["m"])
        due = [case[name] for name in ("N", "var", "seen", "lo", "hi")]
        # The oracle's interval has 1.96 for the quantile, whose further digits are 1.959964.
        assert [found.estimate, found.variance, found.seen] == pytest.approx(due[:3], abs=1e-9)
        assert [found.lower, found.upper] == pytest.approx(due[3:], rel=1e-4)


def test_where_each_found_all_of_the_other_there_are_no_more() -> None:
    found = chapman(20, 20, 20)
    assert (found.estimate, found.lower, found.upper) == (20, 20, 20)


def test_more_in_both_than_in_one_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be found by both"):
        chapman(5, 9, 6)


def test_draws_are_chapmans_estimate_less_what_leaked() -> None:
    draws = np.array([[12, 88, 38], [12, 88, 38], [12, 88, 3]])
    estimates = chapman_draws(draws, np.array([0.0, 8.0, 8.0]))
    assert estimates == pytest.approx([chapman(100, found, 12).estimate for found in (50, 42, 12)])
