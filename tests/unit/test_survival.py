"""Curves from life tables against published figures, hand-made tables and what must always hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.measurement.entanglement import observed_from
from orchestration.measurement.survival import Age, curve, log_log_interval, median_age, poisson_rate_interval

DURATIONS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=40)
"""How long, how it ended (0 censored), and from which age it was watched."""


def life_table(waits: Sequence[tuple[int, int, int]]) -> list[Age]:
    """Ages, causes and entries of single persons as counts by age; who left before being watched is unknown."""
    watched = [(age, cause, entry) for age, cause, entry in waits if age >= entry]
    ages = sorted({age for age, _, _ in watched} | {entry for _, _, entry in watched})
    return [
        Age(
            age,
            entered=sum(entry == age for _, _, entry in watched),
            events=sum((left, cause) == (age, 1) for left, cause, _ in watched),
            competing=sum((left, cause) == (age, 2) for left, cause, _ in watched),
            censored=sum((left, cause) == (age, 0) for left, cause, _ in watched),
        )
        for age in ages
    ]


def known(oracles: Path, name: str) -> dict[str, list[float]]:
    document: dict[str, dict[str, list[float]]] = json.loads(
        (oracles / "sci_attribution" / "stat_oracles.json").read_text()
    )
    return document[name]


def test_kaplan_meier_and_greenwood_are_those_of_the_oracle(oracles: Path) -> None:
    oracle = known(oracles, "kaplan_meier")
    table = life_table([(int(d), int(e), 0) for d, e in zip(oracle["durations"], oracle["event"], strict=True)])
    points = {point.age: point for point in curve(table)}
    for time, survival, error in zip(oracle["times"], oracle["surv"], oracle["se_greenwood"], strict=True):
        point = points[int(time)]
        assert point.survival == pytest.approx(survival, abs=1e-9)
        assert point.survival_error == pytest.approx(error, abs=1e-9)
        # Nothing competes, so the incidence is what has not survived, with the same error.
        assert point.incidence == pytest.approx(1 - survival, abs=1e-9)
        assert point.incidence_error == pytest.approx(error, abs=1e-9)


def test_aalen_johansen_is_that_of_the_oracle_and_no_kaplan_meier(oracles: Path) -> None:
    oracle = known(oracles, "aalen_johansen")
    waits = [(int(d), int(c), 0) for d, c in zip(oracle["durations"], oracle["cause"], strict=True)]
    points = {point.age: point for point in curve(life_table(waits))}
    for time, at_risk, _, _, first, second, survival in oracle["table_t_n_k1_k2_cif1_cif2_surv"]:  # type: ignore[misc]
        point = points[int(time)]
        assert point.at_risk == at_risk
        assert (point.incidence, point.competing_incidence, point.survival) == pytest.approx(
            (first, second, survival), abs=1e-9
        )
    alone = curve(life_table([(age, 1 if cause == 1 else 0, entry) for age, cause, entry in waits]))
    assert alone[-1].incidence == pytest.approx(oracle["wrong_one_minus_KM"], abs=1e-9)
    assert points[120].incidence == pytest.approx(oracle["right_cif1"], abs=1e-9)


def test_whoever_comes_late_is_at_risk_only_from_then() -> None:
    # Ages 0: 4 enter; 2: one of 4 leaves; 5: 3 more enter; 6: two of 6 leave.
    points = curve([Age(0, entered=4), Age(2, events=1), Age(5, entered=3), Age(6, events=2, censored=4)])
    assert [(point.age, point.at_risk) for point in points] == [(0, 4), (2, 4), (5, 6), (6, 6)]
    assert points[-1].survival == pytest.approx(3 / 4 * 4 / 6)


def test_a_curve_begins_where_enough_are_at_risk() -> None:
    table = [Age(0, entered=1), Age(1, events=1), Age(3, entered=2), Age(4, entered=1, events=1), Age(9, censored=2)]
    assert observed_from(table, fewest=2) == [Age(3, entered=2), *table[3:]]
    assert observed_from(table, fewest=2, from_age=4) == [Age(4, entered=3, events=1), table[4]]
    assert observed_from(table, fewest=4) == []


@given(DURATIONS)
def test_shares_are_everyone_and_only_move_one_way(waits: list[tuple[int, int, int]]) -> None:
    table = life_table(waits)
    points = curve(table)
    before = None
    for point in points:
        assert point.survival + point.incidence + point.competing_incidence == pytest.approx(1, abs=1e-9)
        assert point.incidence_error is None or point.incidence_error >= 0
        if before is not None:
            assert point.survival <= before.survival + 1e-12
            assert point.incidence >= before.incidence - 1e-12
        before = point
    counts = {row.age: row for row in table}
    for earlier, later in pairwise(points):
        row = counts[earlier.age]
        left = earlier.at_risk - row.events - row.competing - row.censored
        assert later.at_risk == left + counts[later.age].entered


def test_more_cannot_leave_than_are_there() -> None:
    with pytest.raises(ValueError, match="age 3: 2 leave, but 1 are at risk"):
        curve([Age(0, entered=1), Age(3, events=1, censored=1)])


def test_the_last_one_to_leave_has_no_error() -> None:
    last = curve([Age(0, entered=2), Age(1, events=1), Age(2, events=1)])[-1]
    assert (last.survival, last.survival_error, last.incidence_error) == (0, None, None)
    assert log_log_interval(last.incidence, last.incidence_error) is None
    assert log_log_interval(1.0, 0.0) is None


def test_log_log_limits_are_those_of_the_usual_package() -> None:
    # R's survival, conf.type = "log-log", of the oracle's first step: .9333 with standard error .0644.
    assert log_log_interval(0.9333333333, 0.0644061189) == pytest.approx((0.6126, 0.9903), abs=5e-5)
    # The complement's limits change places.
    lower, upper = log_log_interval(0.2, 0.05) or (0, 0)
    assert 0 < lower < 0.2 < upper < 1


def test_the_median_is_where_half_are_gone() -> None:
    points = curve([Age(0, entered=4), Age(3, events=1), Age(8, events=1), Age(9, censored=2)])
    assert median_age(points) == median_age(points, of_incidence=True) == 8
    assert median_age(points[:2]) is None


def test_rate_limits_are_garwoods() -> None:
    # Garwood 1936: 0 events up to 3.689, 10 events from 4.795 to 18.390.
    assert poisson_rate_interval(0, 1) == pytest.approx((0, 3.689), abs=5e-4)
    assert poisson_rate_interval(10, 2) == pytest.approx((4.795 / 2, 18.390 / 2), abs=5e-4)
