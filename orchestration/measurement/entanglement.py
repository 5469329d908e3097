"""How long people stay linked, when they first engage and buy, and what a cohort of links does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from orchestration.measurement.figures import COLUMNS, Figure, counted, nothing
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.proportions import wilson_interval
from orchestration.measurement.survival import Age, Point, curve, log_log_interval, median_age, poisson_rate_interval

FEWEST = 20
"""Links of a cohort, and of those at risk where a curve begins (k-anonymity, and a curve from one person is none)."""
STEP_DAYS = 7
LONGEST_DAYS = 728
"""104 weeks: later ages rest on the oldest few."""
NOTEWORTHY = 0.02
"""How far the place of ends between two lists may move a share before a reader must be told."""

ASSUMPTIONS = {
    "withdrawal": ("EN1", "EN2", "EN3", "EN4"),
    "first_engagement": ("AU5", "EN1", "EN2", "EN4"),
    "first_conversion": ("AU6", "EN1", "EN2", "EN4"),
    "next_engagement": ("AU5", "EN4", "EN7"),
}
"""By outcome, in the order of the marts."""
METHODS = dict.fromkeys(ASSUMPTIONS, "kaplan_meier") | {"first_engagement": "aalen_johansen"}
"""After a withdrawal nobody engages within the link, so there it competes; a purchase may follow it."""

CURVE_COLUMNS = (
    "platform_id cohort outcome age_days at_risk_count entered_count event_count competing_count censored_count estimate "
    "standard_error lower_bound upper_bound competing_share remaining_share estimate_if_earlier basis_count from_age_days "
    "status reason method assumption_ids"
).split()

NO_ENDS = "no export tells when a link ends"
NO_NAMES = "no export says who acted on posts"
NO_MATCH = "no identifier of this platform is of a kind that stands on purchases"
NO_AGES = f"fewer than {FEWEST} links of known age"
NO_DIRECTION = "no export lists whom the brand follows"
NO_TOPIC = "exports count new links by post at most, and name none of them"

Tables = Mapping[tuple[str, str, str], list[Age]]
"""Life tables by platform, cohort and outcome."""


def measure_curves(life_tables: pd.DataFrame, cohorts: pd.DataFrame) -> pd.DataFrame:
    """One row per platform, cohort, outcome and week of age; one without figures where nothing can be said of all."""
    tables = _tables(life_tables)
    rows: list[dict[str, Any]] = []
    for cohort in cohorts.to_dict("records"):
        platform, name = cohort["platform_id"], cohort["cohort"]
        for outcome in ASSUMPTIONS:
            table = observed_from(tables.get((platform, name, outcome), []))
            steps = list(_steps(outcome, table))
            if outcome == "withdrawal" and table:
                earlier = observed_from(tables[platform, name, "withdrawal_if_earlier"], from_age=table[0].age)
                steps = _beside_earlier(steps, curve(earlier), int(cohort["longest_end_window_days"]))
            if not steps and name == "all":
                steps = [_no_step(outcome, cohort)]
            rows += [{"platform_id": platform, "cohort": name, "outcome": outcome, **step} for step in steps]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def measure_cohorts(life_tables: pd.DataFrame, cohorts: pd.DataFrame) -> pd.DataFrame:
    """One row per platform, cohort and measure; of a cohort that is too small, one that says so."""
    tables = _tables(life_tables)
    rows = [
        {"platform_id": cohort["platform_id"], "cohort": cohort["cohort"], "measure": measure, **figure.columns()}
        for cohort in cohorts.to_dict("records")
        for measure, figure in cohort_figures(cohort, tables).items()
    ]
    return pd.DataFrame(rows, columns=["platform_id", "cohort", "measure", *COLUMNS])


def cohort_figures(cohort: Mapping[str, Any], tables: Tables) -> dict[str, Figure]:
    """Every measure of a cohort, or that it is too small for any."""
    links = cohort["link_count"]
    if links < FEWEST:
        return {"links": nothing(f"fewer than {FEWEST} links", "counted", "suppressed").assuming("EN6")}

    def points(outcome: str) -> list[Point]:
        return curve(observed_from(tables.get((cohort["platform_id"], cohort["cohort"], outcome), [])))

    figures = {
        "links": counted(links, links, "AU4"),
        "mutual_share": _share(
            cohort["returned_link_count"],
            cohort["returnable_link_count"],
            None if cohort["returnable_link_count"] else NO_DIRECTION,
            NO_AGES,
            ("AU4", "EN8") if cohort["has_known_ends"] else ("AU4", "EN5", "EN8"),
        ),
        "withdrawals_per_week": _withdrawals(cohort),
        "median_days_to_withdraw": _median(
            points("withdrawal"), None if cohort["has_known_ends"] else NO_ENDS, "withdrawal"
        ),
        "weekly_engaged_share": _weekly_engaged(cohort),
        "entangled_per_engaged": _per_engaged(cohort),
        "median_days_to_engage": _median(
            points("first_engagement"), None if cohort["has_named_acts"] else NO_NAMES, "first_engagement"
        ),
        "dormant_share": _dormant(cohort),
        "conversion_share": _converted(cohort),
    }
    if cohort["cohort"] == "all":
        figures["links_by_topic"] = nothing(NO_TOPIC, "counted")
        gaps = tables.get((cohort["platform_id"], "all", "next_engagement"), [])
        figures["reactivation_gap_median_days"] = _median(
            points("next_engagement"), None if cohort["has_named_acts"] else NO_NAMES, "next_engagement"
        )
        figures["not_reactivated_share"] = _share(
            sum(age.censored for age in gaps),
            sum(age.entered for age in gaps),
            None if cohort["has_named_acts"] else NO_NAMES,
            f"fewer than {FEWEST} engagements",
            ASSUMPTIONS["next_engagement"],
            fewest=FEWEST,
        )
    return figures


def observed_from(table: Sequence[Age], fewest: int = FEWEST, from_age: int = 0) -> list[Age]:
    """The table from the first age at which `fewest` are at risk; who came earlier and is still there enters then.

    What it gives holds of those who reached that age. Matters only where people come under observation late.
    """
    at_risk = 0
    for position, row in enumerate(table):
        at_risk += row.entered
        if at_risk >= fewest and row.age >= from_age:
            first = Age(row.age, at_risk, row.events, row.competing, row.censored)
            return [first, *table[position + 1 :]]
        at_risk -= row.events + row.competing + row.censored
    return []


def _tables(life_tables: pd.DataFrame) -> Tables:
    tables: dict[tuple[str, str, str], list[Age]] = {}
    for row in life_tables.sort_values("age_days").to_dict("records"):
        tables.setdefault((row["platform_id"], row["cohort"], row["outcome"]), []).append(
            Age(
                int(row["age_days"]),
                int(row["entered_count"]),
                int(row["event_count"]),
                int(row["competing_count"]),
                int(row["censored_count"]),
            )
        )
    return tables


def _steps(outcome: str, table: Sequence[Age]) -> Iterator[dict[str, Any]]:
    """A curve at the end of each week of age; its counts are of the days since the step before."""
    if not table:
        return
    points = curve(table)
    first, last = table[0].age, min(table[-1].age, LONGEST_DAYS)
    carried, before = 0, -1
    for age in range(-(-first // STEP_DAYS) * STEP_DAYS, last + STEP_DAYS, STEP_DAYS):
        rows = [row for row in table if before < row.age <= age]
        entered, events, competing, censored = (
            sum(getattr(row, name) for row in rows) for name in ("entered", "events", "competing", "censored")
        )
        at_risk = carried + entered
        point = next(point for point in reversed(points) if point.age <= age)
        lower, upper = _limits(outcome, point)
        yield {
            "age_days": age,
            "at_risk_count": at_risk,
            "entered_count": entered,
            "event_count": events,
            "competing_count": competing,
            "censored_count": censored,
            "estimate": point.incidence,
            "standard_error": point.incidence_error,
            "lower_bound": lower,
            "upper_bound": upper,
            "competing_share": point.competing_incidence,
            "remaining_share": point.survival,
            "estimate_if_earlier": None,
            "basis_count": sum(row.entered for row in table),
            "from_age_days": first,
            "status": "ok",
            "reason": f"holds of those who reached {first} days" if first else None,
            "method": METHODS[outcome],
            "assumption_ids": " ".join(ASSUMPTIONS[outcome]),
        }
        carried, before = at_risk - events - competing - censored, age


def _limits(outcome: str, point: Point) -> tuple[float | None, float | None]:
    """Of what Kaplan and Meier estimate the transform is that of those who remain, as is usual."""
    if METHODS[outcome] == "kaplan_meier":
        remaining = log_log_interval(point.survival, point.survival_error)
        return (1 - remaining[1], 1 - remaining[0]) if remaining else (None, None)
    return log_log_interval(point.incidence, point.incidence_error) or (None, None)


def _beside_earlier(steps: list[dict[str, Any]], earlier: Sequence[Point], window: int) -> list[dict[str, Any]]:
    """The steps with what they would be if every end between two lists lay at the earlier one."""
    for step in steps:
        bound = next((point.incidence for point in reversed(earlier) if point.age <= step["age_days"]), None)
        step["estimate_if_earlier"] = bound
        if bound is not None and abs(bound - step["estimate"]) > NOTEWORTHY:
            step["status"] = "partial"
            reason = f"an end lies up to {window} days before its date"
            step["reason"] = f"{step['reason']}; {reason}" if step["reason"] else reason
    return steps


def _no_step(outcome: str, cohort: Mapping[str, Any]) -> dict[str, Any]:
    unknown = {
        "withdrawal": None if cohort["has_known_ends"] else NO_ENDS,
        "first_engagement": None if cohort["has_named_acts"] else NO_NAMES,
        "first_conversion": None if cohort["is_matchable"] else NO_MATCH,
        "next_engagement": None if cohort["has_named_acts"] else NO_NAMES,
    }[outcome]
    few = f"fewer than {FEWEST} engagements" if outcome == "next_engagement" else NO_AGES
    return {
        "age_days": 0,
        "status": "not_identified" if unknown else "not_enough_data",
        "reason": unknown or few,
        "method": METHODS[outcome],
        "assumption_ids": " ".join(ASSUMPTIONS[outcome]),
    }


def _median(points: Sequence[Point], unknown: str | None, outcome: str) -> Figure:
    method = METHODS[outcome]
    if unknown:
        return nothing(unknown, method)
    if not points:
        return nothing(f"fewer than {FEWEST} at risk", method, "not_enough_data")
    median = median_age(points, of_incidence=True)
    reason = None if median is not None else f"not half by {points[-1].age} days"
    return Figure(
        median,
        None,
        None,
        points[0].at_risk,
        "ok" if median is not None else "not_enough_data",
        reason,
        method,
        ASSUMPTIONS[outcome],
    )


def _withdrawals(cohort: Mapping[str, Any]) -> Figure:
    if not cohort["has_known_ends"]:
        return nothing(NO_ENDS, "poisson_rate")
    weeks, ends = cohort["observed_day_count"] / 7, cohort["withdrawn_count"]
    if weeks <= 0:
        return nothing("nobody was watched for a day", "poisson_rate", "not_enough_data", ends)
    return Figure(
        ends / weeks,
        *poisson_rate_interval(ends, weeks),
        ends,
        method="poisson_rate",
        assumptions=("AU4", "EN3", "EN4"),
    )


def _weekly_engaged(cohort: Mapping[str, Any]) -> Figure:
    return _share(
        cohort["engaged_week_count"],
        cohort["entangled_week_count"],
        None if cohort["has_named_acts"] else NO_NAMES,
        "no week began within a link while acts named persons",
        _of_weeks(cohort),
    )


def _of_weeks(cohort: Mapping[str, Any]) -> tuple[str, ...]:
    """Where ends are unknown whoever left counts as linked, which makes shares of those linked too small."""
    return ("AU4", "AU5", "EN7") if cohort["has_known_ends"] else ("AU4", "AU5", "EN5", "EN7")


def _per_engaged(cohort: Mapping[str, Any]) -> Figure:
    share = _weekly_engaged(cohort)
    if share.lower is None or share.upper is None:
        return share
    return Figure(
        1 / share.figure if share.figure else None,
        1 / share.upper,
        1 / share.lower if share.lower else None,
        share.count,
        "ok" if share.figure else "not_enough_data",
        None if share.figure else "nobody engaged",
        share.method,
        share.assumptions,
    )


def _dormant(cohort: Mapping[str, Any]) -> Figure:
    return _share(
        cohort["dormant_link_count"],
        cohort["old_link_count"],
        None if cohort["has_named_acts"] else NO_NAMES,
        "no link had stood for 90 days when acts last named persons",
        ("AU4", "AU5") if cohort["has_known_ends"] else ("AU4", "AU5", "EN5"),
    )


def _converted(cohort: Mapping[str, Any]) -> Figure:
    return _share(
        cohort["converted_link_count"],
        cohort["matchable_link_count"],
        None if cohort["is_matchable"] else NO_MATCH,
        NO_AGES,
        ("AU4", "AU6", "EN1"),
        fewest=FEWEST,
    )


def _share(
    part: int, whole: int, unknown: str | None, too_few: str, assumptions: tuple[str, ...], fewest: int = 1
) -> Figure:
    if unknown:
        return nothing(unknown, "wilson")
    if whole < fewest:
        return nothing(too_few, "wilson", "not_enough_data", whole)
    return Figure(part / whole, *wilson_interval(part, whole), whole, method="wilson", assumptions=assumptions)


_READS = ("intermediate.int_entanglement_life_tables", "intermediate.int_entanglement_cohorts")

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("entanglement_curves", _READS, measure_curves),
    Measurement("entanglement_cohort_figures", _READS, measure_cohorts),
)
