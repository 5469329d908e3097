"""Bounds of touched and influenced, against known answers and cases worked out by hand."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.stats import norm

from orchestration.measurement.bounds import Leak, between, clicks_with_dark, imbens_manski, proven
from orchestration.measurement.bounds import imbens_manski_deviation as deviation_of
from orchestration.measurement.influence import evidence_leak_rates, influence_bounds, network_visits
from orchestration.settings import PROJECT_ROOT

EXPERIMENT = {
    "experiment_id": "on and off",
    "estimator": "switchback",
    "status": "ok",
    "start_date": date(2025, 1, 1),
    "end_date": date(2025, 12, 31),
    "n_conversions": 1000.0,
    "caused_count": 90.0,
    "caused_count_lower_975": 20.0,
    "caused_count_upper_975": 160.0,
}


def test_imbens_and_manski_give_the_known_answers(oracles: Path) -> None:
    cases = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["imbens_manski"]
    assert cases
    for case in cases:
        bounds = case["lo"], case["hi"], case["se_lo"], case["se_hi"]
        found = imbens_manski(*bounds)
        assert deviation_of(*bounds) == pytest.approx(case["c"], abs=1e-9)
        assert [found.ci_lower, found.ci_upper] == pytest.approx(case["ci"], abs=1e-9)


def test_dark_visits_have_a_number_only_where_some_are_seen(oracles: Path) -> None:
    cases = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["dark_social"]
    assert cases
    for case in cases:
        assert clicks_with_dark(case["referred"], case["direct_share"]) == (
            None if case["total_est"] is None else pytest.approx(case["total_est"], abs=1e-9)
        )


def test_what_leaks_is_taken_from_those_with_nothing_but_a_code() -> None:
    # One canary used twice in 1,000 conversions: five codes leak to 1 % of them.
    lower, limit = proven(sure=50, by_code=40, exposed=800, codes=5, leak=Leak(2, 1000))
    assert lower == pytest.approx(50 + (40 - 8) / (1 - 0.01))
    assert 50 <= limit(1.96) < limit(1.0) < lower


def test_without_a_canary_a_code_proves_nothing() -> None:
    lower, limit = proven(sure=50, by_code=40, exposed=800, codes=5, leak=Leak(0, 0))
    assert (lower, limit(1.96)) == (50, 50)


def test_the_limit_of_leaks_holds_as_often_as_it_says() -> None:
    """Canaries and leaks at one rate, over 1,000 draws of both: 97.5 % one-sided, to four standard errors."""
    draw = np.random.default_rng(7)
    canaries, leaks = draw.poisson(4, 1000), draw.poisson(12, 1000)
    held = np.mean([Leak(seen, 1000).most(3000, 1.96) >= leaked for seen, leaked in zip(canaries, leaks, strict=True)])
    assert held > 0.975 - 4 * (0.975 * 0.025 / 1000) ** 0.5


def test_bounds_that_cross_within_their_error_meet_and_beyond_it_conflict() -> None:
    met = between(30, 28, lambda far: 30 - 2 * far, lambda far: 28 + 2 * far, 0.95, is_narrowest=True)
    assert met is not None
    assert met.lower == met.upper == 29
    assert met.ci_lower < 29 < met.ci_upper
    assert between(80, 28, lambda far: 80 - 2 * far, lambda far: 28 + 2 * far, 0.95, is_narrowest=True) is None


@given(some.floats(0, 5), some.floats(0.1, 3), some.floats(0.1, 3))
def test_the_interval_holds_a_value_at_either_end_as_often_as_it_says(
    width: float, se_lower: float, se_upper: float
) -> None:
    reach = deviation_of(0, width, se_lower, se_upper)
    assert float(norm.ppf(0.95)) - 1e-6 <= reach <= float(norm.ppf(0.975)) + 1e-6
    at_lower_end = norm.cdf(reach + width / max(se_lower, se_upper)) - norm.cdf(-reach)
    assert at_lower_end == pytest.approx(0.95, abs=1e-6)


def histories(*rows: tuple[int, str], day: str = "2025-03-05") -> pd.DataFrame:
    """Conversions of one day by their signs: c click, k code, i invitation, a answer, n naming, f a friend."""
    return pd.DataFrame(
        [
            {
                "converted_date": pd.Timestamp(day),
                "scope": "all",
                "can_carry_code": True,
                "has_answer": "a" in signs,
                "has_click": "c" in signs,
                "has_code": "k" in signs,
                "has_invitation_or_act": "i" in signs,
                "has_naming_answer": "n" in signs,
                "has_passed_on_answer": "f" in signs,
                "conversion_count": count,
            }
            for count, signs in rows
        ]
    )


LEAKS = pd.DataFrame([{"leak_method": "canary", "coupon_code": "canary", "claim_count": 1, "exposure_count": 1000}])
NO_LEAKS = LEAKS.iloc[:0]
OFF = pd.DataFrame({"evidence_tier": ["T4", "T7"], "claim_count": [0, 6], "exposure_count": [80, 40]})
NO_OFF = OFF.iloc[:0]
COUPONS = pd.DataFrame({"coupon_code": ["A1", "a1 ", "B2"], "channel_id": ["email", "email", "organic_x"]})
FEW = histories((600, ""), (280, "a"), (40, "an"), (10, "af"), (8, "can"), (2, "ca"), (20, "c"), (40, "k"))


def bounds_of(
    found: pd.DataFrame, leaks: pd.DataFrame = LEAKS, experiment: dict[str, Any] | None = None, period: str = "all"
) -> dict[str, dict[str, Any]]:
    """The rows of a period by level and method."""
    experiments = pd.DataFrame([experiment] if experiment else [], columns=list(EXPERIMENT))
    rows = influence_bounds(found, leaks, COUPONS, experiments).to_dict("records")
    return {f"{row['level']} {row['method']}": row for row in rows if (row["period"], row["scope"]) == (period, "all")}


def test_at_most_as_many_are_touched_as_say_so_by_the_share_of_the_clicked_who_do() -> None:
    found = bounds_of(FEW)
    evidence, worst, answers = (found[name] for name in ("T0 evidence", "T1 answers_worst_case", "T2 answers"))
    # 30 clicks; of 40 with nothing but a code 2 per mille of 970 leaked.
    assert evidence["lower"] == pytest.approx(30 + (40 - 970 * 0.002) / 0.998)
    assert (evidence["upper"], evidence["ci_upper"]) == (1000, 1000)
    # 58 of 340 answers say so, and 8 of 10 whose click is seen: 21 % of those who answered, or of all.
    assert worst["upper"] == pytest.approx(58 / 0.8 + 660)
    assert answers["upper"] == pytest.approx(1000 * 58 / 340 / 0.8)
    assert answers["ci_upper"] > answers["upper"]
    assert {row["point"] for row in (evidence, worst, answers)} == {None}
    # Wider levels reach two-sided, the narrowest no further than Imbens and Manski ask.
    assert evidence["ci_lower"] == worst["ci_lower"] < answers["ci_lower"]
    assert answers["assumption_ids"] == "E1 E2 S1 S2"


def test_influenced_are_at_most_the_touched() -> None:
    found = bounds_of(FEW)
    touched, influenced = found["T2 answers"], found["A2 touched_by_answers"]
    assert (influenced["ci_lower"], influenced["ci_upper"]) == (0, touched["ci_upper"])
    assert influenced["assumption_ids"] == "A1 A2 E1 E2 S1 S2"
    assert (found["A0 none"]["ci_lower"], found["A0 none"]["ci_upper"]) == (None, 1000)
    assert {found[name]["status"] for name in ("A3 exposed_and_unexposed", "A4 switchback")} == {"not_identified"}


def test_fewer_than_seven_in_both_leave_the_answers_out() -> None:
    found = bounds_of(histories((900, "a"), (60, "an"), (6, "can"), (34, "")))
    assert {found[name]["status"] for name in ("T1 answers_worst_case", "T2 answers")} == {"not_enough_data"}
    assert found["A2 touched_by_evidence"]["ci_upper"] == 1000
    assert {row["status"] for name, row in found.items() if name.startswith("T3")} == {"not_enough_data"}


def test_where_all_clicks_are_dark_only_evidence_is_left() -> None:
    found = bounds_of(histories((900, "a"), (60, "an"), (40, "k")))
    assert {name for name, row in found.items() if row["status"] == "ok"} == {
        *("T0 evidence", "A0 none", "A1 monotone_response", "A2 touched_by_evidence")
    }


def test_evidence_that_answers_rule_out_is_a_conflict_and_the_wider_level_stands() -> None:
    found = bounds_of(histories((500, "c"), (300, "a"), (9, "can"), (1, "ca"), (190, "")))
    assert found["T2 answers"]["status"] == "assumption_conflict"
    assert found["T2 answers"]["ci_upper"] is None
    assert found["A2 touched_by_answers_worst_case"]["status"] == "ok"


def test_an_unmeasured_leak_is_said_and_its_assumption_not_used() -> None:
    evidence = bounds_of(FEW, NO_LEAKS)["T0 evidence"]
    assert (evidence["lower"], evidence["assumption_ids"]) == (30, "E2")
    assert "no canary" in evidence["reason"]
    assert bounds_of(FEW, NO_LEAKS)["T3 chapman_click_code"]["status"] == "not_enough_data"


def test_an_experiments_count_bounds_the_influenced_from_below_and_is_no_point() -> None:
    found = bounds_of(FEW, experiment=EXPERIMENT)["A4 switchback"]
    assert (found["ci_lower"], found["lower"], found["upper"], found["ci_upper"]) == (20, 90, 160, 160)
    assert found["point"] is None
    assert found["assumption_ids"] == "A1 A2 A4 A6 A7 E1 E2 S1 S2"


def test_outside_an_experiment_none_to_all_may_be_influenced() -> None:
    later = histories((30, ""), day="2026-02-01")
    found = bounds_of(pd.concat([FEW, later]), experiment=EXPERIMENT)["A4 switchback"]
    assert (found["ci_lower"], found["ci_upper"]) == (20, 190)
    month = bounds_of(pd.concat([FEW, later]), experiment=EXPERIMENT, period="2026-02")["A4 switchback"]
    assert (month["status"], month["reason"]) == ("not_identified", "an experiment counts for its whole time")


@pytest.mark.parametrize(
    "changes",
    [
        {"estimator": "interrupted_series"},
        {"status": "suppressed"},
        {"caused_count_lower_975": None},
    ],
)
def test_only_a_randomised_experiment_with_a_result_counts(changes: dict[str, Any]) -> None:
    assert bounds_of(FEW, experiment=EXPERIMENT | changes)["A4 switchback"]["status"] == "not_identified"


@pytest.mark.parametrize(
    "changes",
    [
        {"caused_count": 900.0, "caused_count_lower_975": 800.0, "caused_count_upper_975": 1000.0},
        {"caused_count": -90.0, "caused_count_lower_975": -160.0, "caused_count_upper_975": -20.0},
    ],
)
def test_an_experiment_that_contradicts_the_assumptions_is_a_conflict(changes: dict[str, Any]) -> None:
    found = bounds_of(FEW, experiment=EXPERIMENT | changes)["A4 switchback"]
    assert (found["status"], found["ci_lower"], found["ci_upper"]) == ("assumption_conflict", None, None)


def test_in_an_experiment_without_effect_nobody_may_be_influenced() -> None:
    nothing = {"caused_count": -5.0, "caused_count_lower_975": -60.0, "caused_count_upper_975": 50.0}
    found = bounds_of(FEW, experiment=EXPERIMENT | nothing)["A4 switchback"]
    assert (found["ci_lower"], found["lower"], found["ci_upper"]) == (0, 0, 50)


COUNTS = some.integers(0, 60)


@settings(max_examples=30)
@given(some.lists(COUNTS, min_size=10, max_size=10), COUNTS, some.booleans())
def test_intervals_are_ordered_nested_and_within_all_conversions(
    counts: list[int], canaries: int, is_measured: bool
) -> None:
    signs = ("", "a", "an", "af", "can", "ca", "c", "k", "ck", "i")
    leaks = LEAKS.assign(claim_count=canaries) if is_measured else NO_LEAKS
    found = bounds_of(histories(*zip(counts, signs, strict=True)), leaks, EXPERIMENT)
    total = sum(counts)
    named = {name.partition(" ")[0]: row for name, row in found.items() if row["status"] == "ok"}
    for row in found.values():
        assert (row["status"] in ("ok", "sensitivity")) == (row["ci_upper"] is not None)
        if row["ci_upper"] is not None:
            lowest = [row["ci_lower"] or 0, row["lower"] or 0, row["upper"], row["ci_upper"]]
            assert lowest == sorted(lowest)
            assert lowest[0] >= 0
            assert lowest[-1] <= total
    for wider, narrower in (("T0", "T1"), ("T1", "T2"), ("A1", "A2"), ("A2", "A4")):
        if wider in named and narrower in named:
            assert named[wider]["ci_lower"] <= named[narrower]["ci_lower"]
            assert named[wider]["ci_upper"] >= named[narrower]["ci_upper"] - 1e-9


def test_the_order_of_rows_changes_nothing() -> None:
    backwards = FEW.iloc[::-1].reset_index(drop=True)
    assert bounds_of(FEW, experiment=EXPERIMENT) == bounds_of(backwards, experiment=EXPERIMENT)


def test_without_any_conversion_every_level_says_so() -> None:
    with duckdb.connect() as connection:
        connection.register("few", FEW)
        nothing = connection.execute("select * from few where false").df()
    found = bounds_of(nothing, NO_LEAKS)
    assert {(row["status"], row["ci_upper"], row["conversion_count"]) for row in found.values()} == {
        ("not_enough_data", None, 0)
    }
    assert {row["leak_status"] for row in evidence_leak_rates(NO_LEAKS, COUPONS, NO_OFF).to_dict("records")} == {
        "not_measured"
    }


def test_a_channel_is_proven_by_its_own_evidence_and_codes() -> None:
    of_x = histories((10, "c"), (20, "k")).assign(scope="organic_x")
    rows = influence_bounds(pd.concat([FEW, of_x]), LEAKS, COUPONS, pd.DataFrame(columns=list(EXPERIMENT)))
    (row,) = rows[(rows["scope"] == "organic_x") & (rows["period"] == "all")].to_dict("records")
    # One code of the channel leaks 1 per mille of the 990 conversions without its click.
    assert row["lower"] == pytest.approx(10 + (20 - 0.99) / 0.999)
    assert (row["upper"], row["conversion_count"]) == (1000, 1000)


def test_a_leak_is_that_of_one_canary_times_the_published_codes() -> None:
    early = {"leak_method": "before_publication", "coupon_code": "a1", "claim_count": 3, "exposure_count": 100}
    rates = {
        (row["evidence_tier"], row["leak_method"]): row
        for row in evidence_leak_rates(pd.concat([LEAKS, pd.DataFrame([early])]), COUPONS, NO_OFF).to_dict("records")
    }
    canary = rates["T4", "canary"]
    assert (canary["code_count"], canary["leak_rate"], canary["leak_status"]) == (2, 0.002, "measured")
    # Wilson's upper limit of 1 in 1,000 is 0.00564.
    assert canary["leak_rate_upper"] == pytest.approx(2 * 0.005643, abs=1e-5)
    assert rates["T4", "before_publication"]["leak_status"] == "at_least"
    assert {row["leak_rate"] for (tier, _), row in rates.items() if tier != "T4"} == {None}


def test_claims_on_days_off_are_the_most_that_leaks() -> None:
    rates = {
        row["evidence_tier"]: row
        for row in evidence_leak_rates(NO_LEAKS, COUPONS, OFF).to_dict("records")
        if row["leak_method"] == "off_period"
    }
    assert set(rates) == {"T2", "T3", "T4", "T5", "T6", "T7"}
    assert (rates["T7"]["leak_rate"], rates["T7"]["leak_status"]) == (0.15, "at_most")
    # Wilson's upper limits of 6 in 40 and of none in 80.
    assert rates["T7"]["leak_rate_upper"] == pytest.approx(0.2907, abs=1e-4)
    assert rates["T4"]["leak_rate_upper"] == pytest.approx(0.0458, abs=1e-4)
    assert (rates["T2"]["leak_rate"], rates["T2"]["leak_status"]) == (None, "not_measured")


def test_a_network_that_hides_every_visit_has_no_number() -> None:
    visits = pd.DataFrame(
        [
            {"channel_id": channel, "visit_month_date": pd.Timestamp("2025-03-01"), "visit_count": count}
            for channel, count in (("organic_linkedin", 86), ("email", 5), ("(direct)", 500), ("organic_search", 900))
        ]
    )
    shares = pd.DataFrame(
        [
            {"channel_id": "organic_linkedin", "direct_share": 0.14, "measured_visit_count": 62},
            {"channel_id": "organic_mastodon", "direct_share": 1.0, "measured_visit_count": 62},
            {"channel_id": "organic_tiktok", "direct_share": 1.0, "measured_visit_count": 62},
        ]
    )
    own = pd.DataFrame(
        {"channel_id": ["email", "organic_linkedin", "organic_mastodon", "organic_tiktok"], "reach": "own"}
    )
    named = histories((3, "an")).assign(scope="organic_mastodon")
    rows = network_visits(visits, named, shares, own).to_dict("records")
    found = {row["channel_id"]: row for row in rows if row["period"] == "2025-03"}
    assert {channel: row["visit_status"] for channel, row in found.items()} == {
        "email": "not_measured",
        "organic_linkedin": "ok",
        "organic_mastodon": "not_identified",
    }
    assert found["organic_linkedin"]["visit_count"] == pytest.approx(100)
    assert 100 < found["organic_linkedin"]["visit_count_upper"] < 586
    mastodon = found["organic_mastodon"]
    assert (mastodon["visit_count_lower"], mastodon["visit_count"], mastodon["visit_count_upper"]) == (0, None, 500)


def test_every_assumption_that_a_figure_names_is_in_the_seed() -> None:
    with (PROJECT_ROOT / "seeds" / "assumptions.csv").open(encoding="utf-8", newline="") as file:
        known = {row["assumption_id"] for row in csv.DictReader(file)}
    leaks = evidence_leak_rates(LEAKS, COUPONS, OFF).to_dict("records")
    rows = [*bounds_of(FEW, experiment=EXPERIMENT).values(), *leaks]
    assert {name for row in rows for name in row["assumption_ids"].split()} <= known
