"""Estimators of unseen actors against published figures, hand-made ones and what must always hold."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.measurement.proportions import wilson_interval
from orchestration.measurement.unseen import chao2, likely_once, sample_coverage

COUNTS = st.dictionaries(st.integers(1, 12), st.integers(0, 40), min_size=1).filter(lambda counts: any(counts.values()))


def test_chao2_and_coverage_are_those_of_the_oracle(oracles: Path) -> None:
    known = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["chao2"]
    # Whoever is seen three times or more matters by number only.
    counts, units = {1: known["Q1"], 2: known["Q2"], 6: 15, 8: 6, 9: 1}, known["m"]
    assert sum(counts.values()) == known["S_obs"]
    assert sum(times * persons for times, persons in counts.items()) == known["U"]
    estimate = chao2(counts, units)
    assert estimate.value == pytest.approx(known["chao2_bc"], abs=1e-9)
    # The oracle's quantile of the normal distribution is 1.4e-8 too large; from their product it drops out.
    assert (estimate.lower, estimate.upper) == pytest.approx((known["lo"], known["hi"]), abs=3e-8)
    seen = known["S_obs"]
    assert (estimate.lower - seen) * (estimate.upper - seen) == pytest.approx(
        (known["lo"] - seen) * (known["hi"] - seen), rel=1e-12
    )
    assert sample_coverage(counts, units) == pytest.approx(known["coverage"], abs=1e-9)


def test_with_very_many_units_chao2_is_chao1(oracles: Path) -> None:
    known = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["chao1_bias_corrected"]
    counts = {times: known["counts"].count(times) for times in set(known["counts"])}
    assert chao2(counts, 10**12).value == pytest.approx(known["est"], abs=1e-9)


def test_nobody_seen_twice_is_the_case_by_hand() -> None:
    # A = 3/4, Q1 = 4: unseen .75 * 4 * 3 / 2 = 4.5; variance 4.5 + .5625 * (4 * 49 / 4 - 256 / 4 / 8.5).
    variance = 4.5 + 0.5625 * (49 - 256 / (4 * 8.5))
    spread = math.exp(1.959963984540054 * math.sqrt(math.log(1 + variance / 4.5**2)))
    estimate = chao2({1: 4}, 4)
    assert (estimate.value, estimate.lower, estimate.upper) == pytest.approx((8.5, 4 + 4.5 / spread, 4 + 4.5 * spread))
    # Of 4 incidences all are single; (units - 1)(Q1 - 1) = 9 of 9 + 2.
    assert sample_coverage({1: 4}, 4) == pytest.approx(1 - 9 / 11)


def test_whom_everyone_sees_again_leaves_nobody_unseen() -> None:
    estimate = chao2({3: 10}, 20)
    assert (estimate.value, estimate.lower) == (10, 10)
    assert 10 < estimate.upper < 12
    assert sample_coverage({3: 10}, 20) == 1


def test_singletons_are_foretold_by_those_seen_more_often() -> None:
    assert likely_once({1: 99, 2: 12, 3: 8, 4: 6}) == pytest.approx(4 * 144 / 24 - 96 / 12)
    assert likely_once({2: 12, 3: 8}) == pytest.approx(4 * 144 / 27 - 96 / 2 if 4 * 144 / 27 > 48 else 0)
    assert likely_once({2: 6}) == pytest.approx(4 * 36 / 3)
    assert likely_once({1: 5}) == 0


@given(COUNTS, st.integers(12, 400))
def test_the_estimate_is_never_below_those_seen(counts: dict[int, int], units: int) -> None:
    estimate = chao2(counts, units)
    seen = sum(counts.values())
    assert seen <= estimate.lower + 1e-9
    assert estimate.lower <= estimate.value + 1e-9
    assert estimate.value <= estimate.upper + 1e-9
    assert 0 <= sample_coverage(counts, units) <= 1
    assert likely_once(counts) >= 0


@pytest.mark.parametrize(("counts", "units"), [({0: 3}, 5), ({6: 1}, 5), ({1: -1}, 5), ({1: 0}, 5), ({}, 5)])
def test_what_cannot_have_been_counted_is_refused(counts: dict[int, int], units: int) -> None:
    with pytest.raises(ValueError, match=r"no counts|nobody"):
        chao2(counts, units)
    with pytest.raises(ValueError, match=r"no counts|nobody"):
        sample_coverage(counts, units)


def test_wilson_is_the_published_interval() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(20, 20)[1] == 1
    for successes, trials in ((-1, 3), (4, 3), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            wilson_interval(successes, trials)
