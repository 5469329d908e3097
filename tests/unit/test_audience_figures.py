"""What the ladder, participation and cohorts say, and above all what they refuse to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from orchestration.measurement import audience, entanglement
from orchestration.measurement.audience import ladder, measure_audience, measure_participation, participation
from orchestration.measurement.entanglement import cohort_figures, measure_cohorts, measure_curves
from orchestration.measurement.figures import COLUMNS, Figure, counted, nothing, union

BLUESKY: dict[str, Any] = {
    "platform_id": "bluesky",
    "platform_kind": "social",
    "period": "2025-03",
    "post_count": 52,
    "actor_count": 80,
    "engaged_count": 9,
    "other_actor_count": 2,
    "unnamed_act_count": 0,
    "entangled_count": 200,
    "linked_count": 210,
    "linked_interacting_count": 20,
    "linked_engaged_count": 4,
    "matched_buyer_count": 0,
    "silent_buyer_count": 0,
    "reach_lower_count": None,
    "reach_upper_count": None,
    "has_known_ends": True,
    "has_dated_ends": True,
    "is_matchable": False,
    "last_listed_date": None,
    "period_start_date": "2025-03-01",
    "period_end_date": "2025-03-31",
    "named_from_date": "2025-01-05",
    "named_to_date": "2025-06-05",
    "links_from_date": "2025-01-05",
    "links_to_date": "2025-06-05",
}
X = BLUESKY | {
    "platform_id": "x", "actor_count": 0, "engaged_count": 0, "other_actor_count": 0, "unnamed_act_count": 900,
    "named_from_date": None, "named_to_date": None,
}  # fmt: skip
LETTER = BLUESKY | {
    "platform_id": "letter", "platform_kind": "newsletter", "actor_count": 0, "engaged_count": 0, "other_actor_count": 0,
    "named_from_date": None, "named_to_date": None, "is_matchable": True, "matched_buyer_count": 20,
    "silent_buyer_count": 12,
}  # fmt: skip
POSTS = {1: 40, 2: 18, 6: 15, 8: 6, 9: 1}
COHORT: dict[str, Any] = {
    "platform_id": "bluesky",
    "cohort": "all",
    "link_count": 40,
    "aged_link_count": 40,
    "withdrawn_count": 10,
    "observed_day_count": 7000.0,
    "longest_end_window_days": 0,
    "entangled_week_count": 1000,
    "engaged_week_count": 5,
    "old_link_count": 30,
    "dormant_link_count": 24,
    "returnable_link_count": 20,
    "returned_link_count": 5,
    "matchable_link_count": 0,
    "converted_link_count": 0,
    "has_known_ends": True,
    "has_named_acts": True,
    "is_matchable": False,
}


def counts(*audiences: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(audiences)


def actors(posts: dict[int, int], platform: str = "bluesky", counted: str = "posts") -> pd.DataFrame:
    return pd.DataFrame(
        {"period": "2025-03", "platform_id": platform, "counted": counted, "times": times, "actor_count": persons}
        for times, persons in posts.items()
    )


def life_table(rows: dict[int, tuple[int, int, int, int]], outcome: str, cohort: str = "all") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "platform_id": "bluesky",
            "cohort": cohort,
            "outcome": outcome,
            "age_days": age,
            "entered_count": entered,
            "event_count": events,
            "competing_count": competing,
            "censored_count": censored,
        }
        for age, (entered, events, competing, censored) in rows.items()
    )


def test_the_ladder_has_the_oracles_estimate(oracles: Path) -> None:
    known = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())["chao2"]
    steps = ladder(BLUESKY, POSTS)
    assert steps["actors_estimated"].figure == pytest.approx(known["chao2_bc"], abs=1e-9)
    assert steps["actor_coverage"].figure == pytest.approx(known["coverage"], abs=1e-9)
    assert steps["actors_seen"].figure == 80
    assert {steps[step].status for step in ("actors_seen", "actors_estimated", "engaged_seen")} == {"ok"}


def test_totals_without_persons_give_no_actors() -> None:
    steps = ladder(X, {})
    for step in ("actors_seen", "actors_estimated", "actor_coverage", "engaged_seen", "other_actors_seen"):
        assert (steps[step].figure, steps[step].upper, steps[step].status) == (None, None, "not_identified")
        assert steps[step].reason == audience.NO_NAMES


def test_a_month_of_which_a_part_names_persons_says_so() -> None:
    steps = ladder(BLUESKY | {"named_to_date": "2025-03-12", "unnamed_act_count": 44}, POSTS)
    assert (steps["actors_seen"].figure, steps["actors_seen"].status) == (80, "partial")
    assert (steps["actors_seen"].lower, steps["actors_seen"].upper) == (80, None)
    assert union([("bluesky", steps["actors_estimated"])]).upper is None
    assert "2025-01-05 to 2025-03-12 only" in (steps["actors_estimated"].reason or "")
    # Without totals that tell of more there is nothing that was missed.
    assert ladder(BLUESKY | {"named_to_date": "2025-03-12"}, POSTS)["actors_seen"].status == "ok"
    assert ladder(BLUESKY | {"named_to_date": "2025-02-12"}, {})["actors_seen"].reason == audience.NO_NAMES_NOW


def test_few_actors_are_counted_but_not_estimated() -> None:
    steps = ladder(BLUESKY | {"actor_count": 9}, {1: 9})
    assert steps["actors_seen"].figure == 9
    assert (steps["actors_estimated"].figure, steps["actors_estimated"].status) == (None, "not_enough_data")


def test_fewer_singletons_make_fewer_unseen() -> None:
    steps = ladder(BLUESKY | {"actor_count": 161}, {1: 120, 2: 20, 3: 15, 4: 6})
    fewer, all_of_them = steps["actors_estimated_fewer_singletons"], steps["actors_estimated"]
    assert fewer.figure is not None
    assert all_of_them.figure is not None
    assert fewer.figure < all_of_them.figure
    assert "AU3" in fewer.assumptions
    once_each = ladder(BLUESKY, {1: 80})
    assert once_each["actors_estimated"].figure is not None
    assert once_each["actors_estimated_fewer_singletons"].status == "not_enough_data"
    # Where those seen more often foretell more singletons than there are, there is nothing to take away.
    same = ladder(BLUESKY, {1: 2, 2: 30, 3: 3, 9: 45})
    assert same["actors_estimated_fewer_singletons"].figure == same["actors_estimated"].figure


def test_who_stands_is_not_known_without_ends_or_long_after_the_last_word() -> None:
    at_most = ladder(BLUESKY | {"has_known_ends": False}, POSTS)["entangled_open"]
    assert (at_most.figure, at_most.lower, at_most.upper, at_most.status) == (None, None, 200, "not_identified")
    stale = ladder(BLUESKY | {"links_to_date": "2025-02-27"}, POSTS)["entangled_open"]
    assert (stale.upper, stale.reason) == (None, "nothing is known of links by person after 2025-02-27")
    assert ladder(BLUESKY | {"links_to_date": "2025-02-28"}, POSTS)["entangled_open"].figure == 200
    assert ladder(BLUESKY | {"links_from_date": "2025-04-02"}, POSTS)["entangled_open"].upper is None
    assert ladder(BLUESKY | {"links_from_date": None}, POSTS)["entangled_open"].upper is None


def test_between_two_lists_who_stands_is_known_in_part() -> None:
    listed = BLUESKY | {"has_dated_ends": False, "last_listed_date": "2025-03-24"}
    assert ladder(listed, POSTS)["entangled_open"].status == "ok"
    old = ladder(listed | {"last_listed_date": "2025-03-23"}, POSTS)["entangled_open"]
    assert (old.figure, old.lower, old.upper, old.status) == (200, None, None, "partial")
    assert "2025-03-23" in (old.reason or "")
    before = ladder(listed | {"last_listed_date": None}, POSTS)["entangled_open"]
    assert (before.status, before.reason) == ("partial", "only lists tell who left, and the first one is later")


def test_lurkers_are_bounded_by_reach_alone() -> None:
    assert ladder(BLUESKY, POSTS)["lurkers"].reason == audience.NO_REACH
    bounded = ladder(BLUESKY | {"reach_lower_count": 500, "reach_upper_count": 2000}, POSTS)
    estimated = bounded["actors_estimated"]
    assert estimated.upper is not None
    assert bounded["lurkers"].lower == pytest.approx(500 - estimated.upper)
    assert (bounded["lurkers"].figure, bounded["lurkers"].upper, bounded["lurkers"].status) == (None, 1920, "ok")
    open_above = ladder(BLUESKY | {"reach_lower_count": 500}, POSTS)["lurkers"]
    assert (open_above.upper, open_above.status) == (None, "partial")
    part = BLUESKY | {"reach_lower_count": 500, "named_to_date": "2025-03-12", "unnamed_act_count": 44}
    assert ladder(part, POSTS)["lurkers"].lower is None
    nobody_named = ladder(X | {"reach_lower_count": 500, "reach_upper_count": 2000}, {})["lurkers"]
    assert (nobody_named.lower, nobody_named.upper, nobody_named.status) == (None, 2000, "partial")


def test_platforms_together_are_bounds() -> None:
    other = BLUESKY | {"platform_id": "mastodon", "actor_count": 30, "entangled_count": 50}
    figures = measure_audience(
        counts(BLUESKY, other, LETTER), pd.concat([actors(POSTS), actors({1: 10, 2: 20}, "mastodon")])
    )
    together = figures[figures["platform_id"] == "all"].set_index("step")
    assert together.loc["actors_seen", ["lower_bound", "upper_bound"]].tolist() == [80, 110]
    assert together.loc["entangled_open", ["lower_bound", "upper_bound"]].tolist() == [200, 450]
    assert together.loc["silent_buyers", ["lower_bound", "upper_bound"]].tolist() == [12, 12]
    assert together["figure"].isna().all()
    with_x = measure_audience(counts(BLUESKY, X), actors(POSTS))
    row = with_x[(with_x["platform_id"] == "all") & (with_x["step"] == "actors_seen")].iloc[0]
    assert (row["lower_bound"], row["status"], row["reason"]) == (80, "partial", "no upper bound is known of: x")
    assert pd.isna(row["upper_bound"])


def test_a_union_of_nothing_is_nothing() -> None:
    assert union([("x", nothing("no export tells", "counted"))]).status == "not_identified"
    only_above = Figure(None, None, 75, 75, "not_identified")
    assert (union([("a", only_above), ("b", counted(5, 5))]).lower, union([("a", only_above)]).upper) == (5, 75)


def test_silent_buyers_are_a_share_of_those_on_the_list() -> None:
    steps = ladder(LETTER, {})
    share = steps["silent_buyer_share"]
    assert (share.figure, share.count) == (0.6, 20)
    assert (share.lower, share.upper) == pytest.approx((0.3866, 0.7812), abs=5e-5)
    assert ladder(BLUESKY, POSTS)["silent_buyers"].reason == audience.NO_MATCH
    assert ladder(LETTER | {"matched_buyer_count": 0, "silent_buyer_count": 0}, {})["silent_buyer_share"].figure is None


def test_participation_needs_a_person_at_the_top_and_a_whole_below() -> None:
    figures = participation(BLUESKY, {1: 60, 5: 20})
    assert figures["top_1_percent_share"].reason == "fewer than 100 actors: the top 1% is less than a person"
    # The busiest 8 of 80 do 40 of 160 acts.
    assert figures["top_10_percent_share"].figure == pytest.approx(0.25)
    shares = [figures[measure] for measure in ("lurking_share", "interacting_share", "engaged_share")]
    assert [share.figure for share in shares] == pytest.approx([186 / 210, 20 / 210, 4 / 210])
    # The intervals hold together, so each is wider than alone: 4 of 210 alone reaches from .0074.
    assert shares[2].lower is not None
    assert shares[2].lower < 0.0074
    assert {figure.reason for figure in participation(X, {}).values()} == {audience.NO_NAMES}
    few = participation(
        BLUESKY | {"linked_count": 9, "linked_interacting_count": 0, "linked_engaged_count": 0}, {1: 80}
    )
    assert few["lurking_share"].status == "not_enough_data"


def test_cohorts_of_nineteen_say_nothing_but_that() -> None:
    ((measure, figure),) = cohort_figures(COHORT | {"link_count": 19}, {}).items()
    assert (measure, figure.figure, figure.count, figure.status) == ("links", None, None, "suppressed")


def test_a_cohorts_figures_are_those_worked_out_by_hand() -> None:
    figures = cohort_figures(COHORT, {})
    assert figures["withdrawals_per_week"].figure == pytest.approx(0.01)
    assert figures["weekly_engaged_share"].figure == pytest.approx(0.005)
    assert figures["entangled_per_engaged"].figure == pytest.approx(200)
    assert figures["dormant_share"].figure == pytest.approx(0.8)
    assert figures["conversion_share"].reason == entanglement.NO_MATCH
    assert figures["mutual_share"].figure == pytest.approx(0.25)
    assert (figures["links_by_topic"].status, figures["links_by_topic"].figure) == ("not_identified", None)
    unlisted = cohort_figures(COHORT | {"returnable_link_count": 0, "returned_link_count": 0}, {})["mutual_share"]
    assert unlisted.reason == entanglement.NO_DIRECTION
    nobody = cohort_figures(COHORT | {"engaged_week_count": 0}, {})["entangled_per_engaged"]
    assert (nobody.figure, nobody.upper, nobody.reason) == (None, None, "nobody engaged")
    assert nobody.lower is not None
    blind = cohort_figures(COHORT | {"has_known_ends": False, "has_named_acts": False}, {})
    assert blind["withdrawals_per_week"].reason == blind["median_days_to_withdraw"].reason == entanglement.NO_ENDS
    assert blind["weekly_engaged_share"].reason == blind["reactivation_gap_median_days"].reason == entanglement.NO_NAMES
    assert "EN5" in cohort_figures(COHORT | {"has_known_ends": False}, {})["dormant_share"].assumptions


def test_a_median_is_one_only_where_half_are_reached() -> None:
    short = life_table({0: (40, 0, 0, 0), 30: (0, 10, 20, 10)}, "first_engagement")
    long = life_table({0: (40, 0, 0, 0), 30: (0, 21, 9, 10)}, "first_engagement")
    for table, median, reason in ((short, None, "not half by 30 days"), (long, 30, None)):
        figures = measure_cohorts(table, counts(COHORT)).set_index("measure").astype(object)
        row = figures.where(figures.notna(), None).loc["median_days_to_engage"]
        assert (row["figure"], row["reason"]) == (median, reason)


def test_a_curve_is_told_week_by_week() -> None:
    tables = pd.concat(
        [
            life_table({0: (40, 0, 0, 0), 8: (0, 4, 0, 6), 15: (0, 15, 0, 15)}, "withdrawal"),
            life_table(
                {0: (40, 0, 0, 0), 2: (0, 4, 0, 0), 8: (0, 0, 0, 6), 15: (0, 15, 0, 15)}, "withdrawal_if_earlier"
            ),
        ]
    )
    curves = measure_curves(tables, counts(COHORT | {"longest_end_window_days": 6}))
    steps = curves[curves["outcome"] == "withdrawal"]
    assert steps["age_days"].tolist() == [0, 7, 14, 21]
    assert steps["at_risk_count"].tolist() == [40, 40, 40, 30]
    assert steps["estimate"].tolist() == pytest.approx([0, 0, 0.1, 0.55])
    assert steps["estimate_if_earlier"].tolist() == pytest.approx([0, 0.1, 0.1, 0.55])
    assert steps["status"].tolist() == ["ok", "partial", "ok", "ok"]
    assert "6 days before its date" in steps["reason"].iloc[1]
    assert (steps["estimate"] + steps["competing_share"] + steps["remaining_share"]).tolist() == pytest.approx([1] * 4)
    # Of the links themselves the transform is that of those who remain: .9 with error .0474.
    assert steps[["lower_bound", "upper_bound"]].iloc[2].tolist() == pytest.approx([0.0389, 0.2451], abs=5e-4)
    others = curves[curves["outcome"] != "withdrawal"].set_index("outcome")
    assert others.loc["first_conversion", "reason"] == entanglement.NO_MATCH
    assert others.loc["first_engagement", "status"] == "not_enough_data"


def test_a_curve_of_those_who_come_late_begins_late() -> None:
    rows = {10: (19, 0, 0, 0), 12: (0, 9, 0, 0), 30: (12, 2, 0, 0), 33: (0, 0, 0, 20)}
    curves = measure_curves(life_table(rows, "first_conversion"), counts(COHORT | {"is_matchable": True}))
    steps = curves[curves["outcome"] == "first_conversion"]
    assert steps["age_days"].tolist() == [35]
    assert steps[["from_age_days", "basis_count", "estimate"]].iloc[0].tolist() == pytest.approx([30, 22, 2 / 22])
    assert steps["reason"].iloc[0] == "holds of those who reached 30 days"


def test_an_empty_warehouse_gives_empty_tables_of_the_declared_columns() -> None:
    nobody = counts(BLUESKY).iloc[:0]
    for measured, column in ((measure_audience, "step"), (measure_participation, "measure")):
        empty = measured(nobody, actors(POSTS).iloc[:0])
        assert list(empty.columns) == ["period", "platform_id", column, *COLUMNS]
        assert empty.empty
    no_table = life_table({0: (1, 0, 0, 0)}, "withdrawal").iloc[:0]
    assert list(measure_curves(no_table, counts(COHORT).iloc[:0]).columns) == entanglement.CURVE_COLUMNS
    assert measure_cohorts(no_table, counts(COHORT).iloc[:0]).empty
