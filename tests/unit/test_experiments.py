"""What experiments and proxies are judged by: known answers, known laws, and how often nothing is taken for something."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.measurement.incrementality import incrementality_estimates
from orchestration.measurement.interrupted_series import interruption, season
from orchestration.measurement.lagged_ranks import false_discovery_q_values, lagged_rank_test
from orchestration.measurement.proxies import proxy_tests
from orchestration.measurement.switchback import (
    false_positive_share,
    pairs_needed,
    seen_share,
    sign_flip_interval,
    sign_flip_p_value,
    sign_patterns,
)
from orchestration.measurement.synthetic_control import synthetic_control
from orchestration.planner import PlanError, blocks, length_needed


def test_six_equal_signs_are_found_and_five_are_not() -> None:
    for pairs, p_value in ((6, 2 / 64), (5, 2 / 32)):
        assert sign_flip_p_value(np.ones(pairs), sign_patterns(pairs)) == p_value
    assert sign_flip_interval(np.arange(1.0, 6), sign_patterns(5), 0.95).lower is None


def test_the_interval_is_what_the_test_does_not_reject() -> None:
    differences = np.array([3.0, 1, 4, 1, 5, -2, 6, 5, 3, 5])
    patterns = sign_patterns(10)
    interval = sign_flip_interval(differences, patterns, 0.95)
    assert interval.lower is not None
    assert interval.upper is not None
    assert interval.lower < differences.mean() < interval.upper
    for inside, outside in (
        (interval.lower + 1e-6, interval.lower - 1e-6),
        (interval.upper - 1e-6, interval.upper + 1e-6),
    ):
        assert sign_flip_p_value(differences, patterns, inside) > 0.05
        assert sign_flip_p_value(differences, patterns, outside) <= 0.05


@given(st.lists(st.floats(-9, 9).map(lambda value: round(value, 3)), min_size=6, max_size=9), st.floats(-5, 5))
def test_a_shift_of_all_pairs_shifts_the_interval(differences: list[float], shift: float) -> None:
    patterns = sign_patterns(len(differences))
    before, after = (sign_flip_interval(np.array(differences) + by, patterns, 0.95) for by in (0.0, shift))
    assert before.lower is not None
    assert before.upper is not None
    assert after.lower == pytest.approx(before.lower + shift, abs=1e-6)
    assert after.upper == pytest.approx(before.upper + shift, abs=1e-6)


def test_beyond_the_exact_number_of_pairs_the_same_signs_are_drawn_each_time() -> None:
    assert (sign_patterns(20) == sign_patterns(20)).all()
    assert (sign_patterns(20)[0] == 1).all()


def test_intervals_cover_and_chance_is_not_taken_for_an_effect() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    patterns = sign_patterns(12)
    draws = random.poisson(20, (400, 12)) - random.poisson(17, (400, 12))
    intervals = [sign_flip_interval(differences.astype(float), patterns, 0.95) for differences in draws]
    covered = [i.lower <= 3 <= i.upper for i in intervals if i.lower is not None and i.upper is not None]
    # Of 400, a share of .95 has a standard error of .011.
    assert 0.92 < np.mean(covered) < 0.985
    assert false_positive_share(draws[0].astype(float), patterns, 0.05, 400) < 0.08


def test_what_fades_slowly_shows_less_in_the_difference() -> None:
    is_on = np.repeat([True, False, False, True, True, False], 14)
    kept = np.tile(np.arange(14) >= 7, 6)
    shares = [seen_share(is_on, is_on & kept, ~is_on & kept, fading) for fading in (0.0, 0.3, 0.6)]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert shares[1] == pytest.approx(0.79, abs=0.05)


def test_geolift_publishes_the_same_effect_and_weights(oracles: Path) -> None:
    with (oracles / "geolift" / "GeoLift_Test.csv").open() as file:
        panel = (
            pd.DataFrame(csv.DictReader(file)).astype({"Y": float}).pivot(index="location", columns="date", values="Y")
        )
    treated = ["chicago", "portland"]
    controls = panel.drop(treated)
    found = synthetic_control(panel.loc[treated].to_numpy(), controls.to_numpy(), 90)
    assert found.average_effect == pytest.approx(155.556, abs=5e-4)
    assert found.total_effect == pytest.approx(4_667, abs=0.5)
    assert found.lift == pytest.approx(0.054, abs=5e-4)
    assert found.imbalance == pytest.approx(909.489, abs=5e-4)
    assert found.scaled_imbalance == pytest.approx(0.1636, abs=5e-5)
    assert 0.01 <= found.permutation_p_value <= 0.014
    weights = dict(zip(controls.index, found.weights, strict=True))
    for city, weight in (("cincinnati", 0.2272), ("miami", 0.2028), ("baton rouge", 0.1335)):
        assert weights[city] == pytest.approx(weight, abs=5e-5)
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights >= 0).all()


def test_a_synthetic_control_needs_something_to_compare_with() -> None:
    with pytest.raises(ValueError, match="needs control units"):
        synthetic_control(np.ones((1, 10)), np.empty((0, 10)), 5)


def test_a_step_is_found_and_a_season_is_not_taken_for_one() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    wave = np.exp(0.4 * season(130, 1)[:, 0])
    quiet = random.poisson(60 * wave)
    risen = quiet + random.poisson(np.where(np.arange(130) >= 122, 60, 0))
    assert interruption(risen.astype(float), 122).p_value < 0.02
    assert interruption(risen.astype(float), 122).lower > 0.2
    assert interruption(quiet.astype(float), 122).p_value > 0.05


def test_false_discoveries_are_those_of_benjamini_and_hochberg(oracles: Path) -> None:
    known = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["benjamini_hochberg_q10"]
    assert false_discovery_q_values(np.array(known["p"])) == pytest.approx(np.array(known["q"]), abs=1e-9)


def series(random: np.random.Generator, weeks: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """A proxy and an outcome with one season and memories of their own; the proxy moves the outcome two weeks later."""
    proxy, outcome = np.zeros(weeks), np.zeros(weeks)
    for week in range(1, weeks):
        proxy[week] = 0.5 * proxy[week - 1] + random.normal()
        outcome[week] = 0.5 * outcome[week - 1] + random.normal() + (effect * proxy[week - 2] if week > 1 else 0)
    wave = season(weeks, 1)[:, 0]
    return np.exp(4 + 0.3 * proxy + wave), np.exp(4 + 0.3 * outcome + wave)


@pytest.mark.parametrize(("effect", "least", "most"), [(0.0, 0.0, 0.09), (0.5, 0.9, 1.0)])
def test_a_shared_season_predicts_nothing_and_a_true_lead_does(effect: float, least: float, most: float) -> None:
    random = np.random.Generator(np.random.PCG64(3))
    rejected = []
    for _ in range(200):
        test = lagged_rank_test(*series(random, 104, effect), np.zeros(104))
        assert test is not None
        rejected.append(test.p_value <= 0.05)
    # Of 200, a share of .05 has a standard error of .015.
    assert least <= np.mean(rejected) <= most


def test_a_series_that_stands_still_is_not_tested() -> None:
    assert lagged_rank_test(np.zeros(60), np.arange(60.0), np.zeros(60)) is None


def weekly(platform_id: str, proxy_id: str, kind: str, values: np.ndarray) -> pd.DataFrame:
    mondays = pd.date_range("2024-01-01", periods=len(values), freq="7D")
    named = {"series_kind": kind, "platform_id": platform_id, "proxy_id": proxy_id}
    return pd.DataFrame({"week_start_date": mondays, "weekly_value": values}).assign(**named)


def test_every_proxy_has_a_verdict_and_its_reason() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    leading, purchases = series(random, 160, 0.6)
    unrelated, _ = series(random, 160, 0.0)
    frames = [
        weekly("x", "reception", "proxy", leading),
        weekly("x", "interaction", "proxy", unrelated),
        weekly("bluesky", "engagement", "proxy", unrelated[:40]),
        weekly("youtube", "entanglement", "proxy", np.zeros(160)),
        weekly("(all)", "purchases", "purchases", purchases),
    ]
    tests = proxy_tests(pd.concat(frames)).set_index(["platform_id", "proxy_id"])
    assert tests.loc[("x", "reception"), "verdict"] == "predicts"
    assert tests.loc[("x", "interaction"), "verdict"] == "no_evidence"
    assert tests.loc[("bluesky", "engagement"), "reason"] == "38 common weeks, 52 are needed"
    assert tests.loc[("youtube", "entanglement"), "reason"] == "one of the series does not vary"
    assert (tests["verdict"] == "not_enough_data").sum() == 2


def plan(pairs: int, on: int, off: int, **changes: object) -> pd.DataFrame:
    rows = []
    for row in blocks("spring", date(2026, 3, 2), pairs, 7, datetime(2026, 2, 1)):
        kept = on if row["arm"] == "on" else off
        rows.append(
            {
                "experiment_id": "spring",
                "pair_number": float(row["pair"]),
                "region_code": None,
                "arm": row["arm"],
                "washout_days": 7,
                "day_count": 14,
                "kept_day_count": 7,
                "purchase_count": 2 * kept,
                "kept_purchase_count": kept + int(row["pair"]) % 2,
                "is_registered_before": True,
                "is_over": True,
                "block_start_date": pd.Timestamp(row["starts_on"]),
                "block_end_date": pd.Timestamp(row["ends_on"]),
                **changes,
            }
        )
    return pd.DataFrame(rows)


NO_WEEKS = weekly("(all)", "purchases", "purchases", np.zeros(0))
NO_REGIONS = pd.DataFrame(columns=["experiment_id", "region_code", "is_treated", "purchase_count", "week_start_date"])


def regions(weeks: int, controls: int, effect: float, tried: int = 8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two regions in which something was tried for the last weeks, others that share their season, and the plan."""
    random = np.random.Generator(np.random.PCG64(4))
    mondays = pd.date_range("2024-01-01", periods=weeks, freq="7D")
    expected = 60 * np.exp(0.3 * season(weeks, 1)[:, 0])
    names = ["US-CA", "US-NY", *(f"US-{number}" for number in range(controls))]
    gained = np.where(np.arange(weeks) >= weeks - tried, effect, 0.0)
    series = pd.DataFrame(
        {
            "experiment_id": "spring",
            "region_code": name,
            "is_treated": number < 2,
            "purchase_count": random.poisson(expected + (gained if number < 2 else 0.0)),
            "week_start_date": mondays,
        }
        for number, name in enumerate(names)
    ).explode(["purchase_count", "week_start_date"])
    period = plan(1, 20, 13, pair_number=None, arm="on")[:1].assign(
        block_start_date=mondays[-tried], block_end_date=mondays[-1] + pd.Timedelta(days=6)
    )
    return pd.concat(period.assign(region_code=name) for name in names[:2]), series


def test_regions_are_held_against_others_that_moved_alike() -> None:
    risen = incrementality_estimates(*_between(regions(100, 8, 40.0))).iloc[0]
    assert (risen["estimator"], risen["status"], risen["n_blocks"]) == ("synthetic_control", "ok", 2)
    assert risen["caused_count_lower"] < 2 * 8 * 40 < risen["caused_count_upper"]
    assert risen["caused_count"] == pytest.approx(2 * 8 * 40, rel=0.2)
    assert risen["p_value"] == pytest.approx(1 / 99)
    assert risen["n_placebo"] == 400
    quiet = incrementality_estimates(*_between(regions(100, 8, 0.0))).iloc[0]
    assert quiet["caused_count_lower"] < 0 < quiet["caused_count_upper"]
    assert quiet["p_value"] > 0.05


@pytest.mark.parametrize(
    ("weeks", "controls", "reason"),
    [
        (100, 2, "a purchase a week in fewer than 3 other regions, or in none of its own"),
        (18, 8, "the weeks before it are fewer than twice its own, or all together than 20"),
        (34, 5, "50 placebo periods, 200 are needed to know the method's false positives"),
    ],
)
def test_regions_that_say_nothing_say_why(weeks: int, controls: int, reason: str) -> None:
    found = incrementality_estimates(*_between(regions(weeks, controls, 0.0))).iloc[0]
    assert found["reason"] == reason
    assert pd.isna(found["caused_count"])


def _between(given: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return given[0], NO_WEEKS, given[1]


def test_a_switchback_counts_what_its_days_on_add() -> None:
    (row,) = incrementality_estimates(plan(8, 20, 13), NO_WEEKS, NO_REGIONS).to_dict("records")
    assert (row["status"], row["estimator"]) == ("ok", "switchback")
    assert row["caused_count"] == pytest.approx(8 * 14 * 1.0)
    assert row["caused_count_lower"] <= row["caused_count"] < row["caused_count_upper"]
    assert row["caused_count_lower_975"] <= row["caused_count_lower"]
    assert row["caused_count_upper_975"] >= row["caused_count_upper"]


@pytest.mark.parametrize(
    ("blocks", "status", "reason"),
    [
        pytest.param(plan(5, 20, 13), "not_enough_data", "5 finished pairs of blocks, 6 are needed", id="few pairs"),
        pytest.param(plan(8, 4, 3), "not_enough_data", "fewer than 5 purchases in a block", id="few purchases"),
        pytest.param(
            plan(8, 20, 13, is_registered_before=False),
            "suppressed",
            "the plan was registered after its first day",
            id="late plan",
        ),
        pytest.param(
            plan(8, 20, 13, is_over=False), "not_enough_data", "0 finished pairs of blocks, 6 are needed", id="running"
        ),
    ],
)
def test_an_experiment_that_says_nothing_says_why(blocks: pd.DataFrame, status: str, reason: str) -> None:
    (row,) = incrementality_estimates(blocks, NO_WEEKS, NO_REGIONS).to_dict("records")
    assert (row["status"], row["reason"]) == (status, reason)
    assert pd.isna(row["caused_count"])


def test_a_period_without_lot_needs_enough_placebo_periods() -> None:
    period = plan(1, 20, 13, pair_number=None)[:1]
    found = {}
    for weeks in (120, 300):
        series_of_weeks = weekly(
            "(all)", "purchases", "purchases", np.random.default_rng(1).poisson(50.0, weeks).astype(float)
        )
        end = series_of_weeks["week_start_date"].max() + pd.Timedelta(days=6)
        moved = period.assign(block_start_date=end - pd.Timedelta(days=13), block_end_date=end)
        (found[weeks],) = incrementality_estimates(moved, series_of_weeks, NO_REGIONS).to_dict("records")
    assert (found[120]["status"], found[300]["status"]) == ("suppressed", "ok")
    assert found[120]["reason"] == "116 placebo periods, 200 are needed to know the method's false positives"
    assert found[300]["caused_count_lower"] < 0 < found[300]["caused_count_upper"]


def test_a_plan_draws_each_pair_by_lot_and_the_seed_repeats_it() -> None:
    rows = list(blocks("spring", date(2027, 1, 4), 40, 11, datetime(2026, 11, 22, tzinfo=UTC)))
    assert rows == list(blocks("spring", date(2027, 1, 4), 40, 11, datetime(2026, 11, 22, tzinfo=UTC)))
    pairs = {row["pair"]: set() for row in rows}  # type: dict[str, set[str]]
    for row in rows:
        pairs[row["pair"]].add(row["arm"])
    assert set(map(frozenset, pairs.values())) == {frozenset({"on", "off"})}
    assert {row["arm"] for row in rows[::2]} == {"on", "off"}
    assert rows[1]["starts_on"] == "2027-01-18"


def test_a_smaller_effect_needs_a_longer_experiment() -> None:
    purchases = np.random.Generator(np.random.PCG64(4)).poisson(8, 400).astype(float)
    assert length_needed(purchases, 0.1).weeks > 2 * length_needed(purchases, 0.2).weeks > 0
    assert pairs_needed(np.array([1.0, -1, 1, -1]), 100) == 6
    with pytest.raises(PlanError, match="60 days of purchases are known"):
        length_needed(purchases[:60], 0.2)
