"""Which figures are held against the truth: a registry, and one SQL query for each subject.

`estimates/*.sql` read the marts of a world, and where a figure is about single rows also its truth; each returns
`estimate_id, scope, value` and, for intervals, `lower, upper`. `truths/*.sql` return `estimand, scope, truth`, from the
views `truth_<name>` over the world's Parquet files. Neither knows the regime; `views.sql` is what they share. A new
estimate is a query, or a part of one, and an entry of the registry; a new estimand is a query in `truths`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import ArrayLike

from orchestration.settings import PROJECT_ROOT

FOLDER = Path(__file__).parent
ALL = "all"
"""The scope of a total."""
RANK = "rank order"
"""The scope of Kendall's tau over the scopes that are no total; its truth is 1."""

Kind = Literal["exact", "figure", "naive", "bounds", "interval", "resampled", "verdict"]
"""exact: equals the truth in every world. figure: nothing is asked of it. naive: a reading that the product warns of,
which must go wrong in some regime, or the worlds are too kind. bounds: holds the truth in 95 % of worlds or more.
interval: holds it in 93 to 97 %. resampled: as interval, and the truth is the mean over the regime's worlds. verdict: 1 or 0,
and where the truth is 0 at most 5 % say 1."""


@dataclass(frozen=True)
class Estimate:
    """What a value claims to be, and what is asked of it."""

    estimate_id: str
    estimand: str
    kind: Kind
    text: str
    claims: Literal["numbers", "order", "numbers and order"] = "numbers"
    """Whether its numbers mean conversions (people, money ...), or the order of its scopes means something, or both."""


@dataclass(frozen=True)
class Value:
    """An estimate of one world beside its truth. None: the marts give no value, or leave that side open."""

    estimate_id: str
    scope: str
    value: float | None
    truth: float
    lower: float | None = None
    upper: float | None = None


class EstimateError(ValueError):
    """A query, the registry and the truth do not fit together; says which query and what is missing."""


_ESTIMATES = (
    Estimate("net_conversions", "net_conversions", "exact", "Orders and payments, net of full refunds"),
    Estimate("gross_revenue", "gross_revenue", "exact", "Gross revenue"),
    Estimate("reversed_revenue", "reversed_revenue", "exact", "Refunds and lost disputes"),
    Estimate("net_revenue", "net_revenue", "exact", "Net revenue"),
    Estimate("sign_ups", "sign_ups", "figure", "Sign-ups"),
    Estimate("buyers", "buyers", "figure", "People who bought"),
    Estimate("pairs_found", "people_right", "figure", "Purchases of one person that are known to be"),
    Estimate("pairs_right", "people_right", "figure", "Purchases said to be of one person that are"),
    Estimate("impressions", "impressions", "figure", "Impressions, or views"),
    Estimate("acts", "acts", "figure", "Interactions and engagements, bots' too"),
    Estimate("engagements", "engagements", "figure", "Engagements"),
    Estimate("followers_standing", "followers", "figure", "Followers standing at the end, as spells"),
    Estimate("followers_by_change", "followers", "figure", "Followers, started less withdrawn"),
    Estimate("subscribers_standing", "subscribers", "figure", "Subscribers standing at the end"),
    Estimate("evidence_as_touch", "touched", "naive", "Orders with click, code or referral = touched"),
    Estimate("answers_as_touch", "touched", "naive", "Share of survey answers = share touched"),
    Estimate("unlinked_as_untouched", "untouched", "naive", "Orders without evidence = untouched"),
    Estimate("evidence_as_influence", "influenced", "naive", "Orders with click, code or referral = influenced"),
    Estimate("any_sign_as_influence", "influenced", "naive", "Orders with any sign of a channel = influenced"),
    Estimate("entangled_as_influence", "influenced", "naive", "Orders of followers and subscribers = influenced"),
    Estimate("likes_as_influence", "influenced", "naive", "Likes and reposts", "order"),
    Estimate("clicks_as_influence", "influenced", "naive", "Clicks before an order", "order"),
    Estimate("coupons_as_influence", "influenced", "naive", "Codes used", "order"),
    Estimate("answers_as_influence", "influenced", "naive", "Survey answers", "order"),
    Estimate("actors_seen", "actors", "figure", "People who acted, as far as exports name them"),
    Estimate("actors_together", "actors", "bounds", "People who acted, on all platforms together"),
    Estimate("actors_as_audience", "audience", "naive", "People who act, estimated = people reached"),
    Estimate("followers_in_ladder", "followers", "figure", "Followers standing at the end, where the ladder says so"),
    Estimate("withdrawals_per_week", "withdrawals_per_week", "interval", "Unfollows for each week of a link"),
    Estimate("answers_leak", "answers_leak", "bounds", "Untouched buyers who name an own channel, by days off"),
    Estimate("touched_T0_evidence", "touched", "bounds", "Touched, by evidence alone"),
    Estimate("touched_T1_answers_worst_case", "touched", "bounds", "Touched, whatever those say who did not answer"),
    Estimate("touched_T2_answers", "touched", "bounds", "Touched, where answers stand for all"),
    Estimate("touched_T3_rogan_gladen", "touched", "figure", "Touched, by an assumed specificity (sensitivity)"),
    Estimate("touched_T3_chapman_click_answer", "touched", "figure", "Touched, clicks and answers (sensitivity)"),
    Estimate("touched_T3_chapman_click_code", "touched", "figure", "Touched, clicks and codes (sensitivity)"),
    Estimate("influenced_A1", "influenced", "bounds", "Influenced, if no contact deters"),
    Estimate("influenced_A2", "influenced", "bounds", "Influenced, among the touched"),
    Estimate("influenced_A4", "influenced", "bounds", "Influenced, by a randomised experiment among the touched"),
    Estimate("credit_interval", "expected_credit", "resampled", "Credit of a rule, by another draw of people"),
    Estimate("experiment_caused", "influenced_in_experiment", "bounds", "Caused in the switchback's time, as it says"),
    Estimate("experiment_verdict", "is_influenced", "verdict", "The switchback finds an effect"),
    Estimate("headline_touched", "touched", "bounds", "Touched, as the headline says"),
    Estimate("headline_influenced", "influenced", "bounds", "Influenced, as the headline says"),
)


def _registry() -> dict[str, Estimate]:
    """The estimates above and the credit of every attribution model that the seed lists."""
    with (PROJECT_ROOT / "seeds" / "attribution_models.csv").open(encoding="utf-8", newline="") as file:
        credits = [
            Estimate(
                f"credit_{model['model_id']}",
                "influenced",
                "naive",
                f"Credit ({model['model_name']}) = influenced",
                "numbers and order",
            )
            for model in csv.DictReader(file)
        ]
    return {estimate.estimate_id: estimate for estimate in (*_ESTIMATES, *credits)}


ESTIMATES = _registry()


def marts_read() -> set[str]:
    """The marts that the queries name."""
    queries = [FOLDER / "views.sql", *(FOLDER / "estimates").glob("*.sql")]
    return {mart for query in queries for mart in re.findall(r"\bmarts\.(\w+)", query.read_text(encoding="utf-8"))}


def read_values(connection: duckdb.DuckDBPyConnection, truth: Path) -> list[Value]:
    """Every estimate of one world beside its truth; `truth` is the folder of the world's Parquet files.

    An estimate that names more than the total names every scope that its estimand has: one that it leaves out has no
    value, which is not 0. Raises `EstimateError`.
    """
    for path in sorted(truth.glob("*.parquet")):
        connection.execute(f"create or replace temp view {path.stem} as from read_parquet('{path}')")
    connection.execute((FOLDER / "views.sql").read_text(encoding="utf-8"))
    truths: dict[str, dict[str, float]] = {}
    for _, row in _rows(connection, "truths"):
        truths.setdefault(row["estimand"], {})[row["scope"]] = float(row["truth"])
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for query, row in _rows(connection, "estimates"):
        estimate = ESTIMATES.get(row["estimate_id"])
        if estimate is None:
            raise EstimateError(f"{query}: {row['estimate_id']} is not in the registry")
        scopes = found.setdefault(estimate.estimate_id, {})
        if row["scope"] not in truths.get(estimate.estimand, {}):
            raise EstimateError(f"{query}: no truth for {estimate.estimand}, {row['scope']}")
        if row["scope"] in scopes:
            raise EstimateError(f"{query}: two rows for {estimate.estimate_id}, {row['scope']}")
        scopes[row["scope"]] = row
    return [
        value
        for estimate in ESTIMATES.values()
        for value in _values(estimate, truths.get(estimate.estimand, {}), found.get(estimate.estimate_id, {}))
    ]


def _rows(connection: duckdb.DuckDBPyConnection, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted((FOLDER / folder).glob("*.sql")):
        query = path.read_text(encoding="utf-8").strip().rstrip(";")
        # Ordered, so that the same world gives the same values in the same places.
        result = connection.execute(f"from ({query}\n) order by all")
        names = [column[0] for column in result.description or ()]
        for row in result.fetchall():
            yield f"{folder}/{path.name}", dict(zip(names, row, strict=True))


def _values(estimate: Estimate, truths: Mapping[str, float], found: Mapping[str, Mapping[str, Any]]) -> Iterator[Value]:
    values = [
        Value(estimate.estimate_id, scope, _number(row, "value"), truth, _number(row, "lower"), _number(row, "upper"))
        for scope, truth in truths.items()
        if set(found) != {ALL} or scope == ALL
        for row in [found.get(scope, {})]
    ]
    if estimate.claims != "order":
        yield from values
    if estimate.claims != "numbers":
        ranked = [(value.value, value.truth) for value in values if value.scope != ALL and value.value is not None]
        tau = kendall_tau([value for value, _ in ranked], [truth for _, truth in ranked])
        if tau is not None:
            yield Value(estimate.estimate_id, RANK, tau, 1.0)


def _number(row: Mapping[str, Any], name: str) -> float | None:
    return None if row.get(name) is None else float(row[name])


def kendall_tau(values: ArrayLike, truths: ArrayLike) -> float | None:
    """Kendall's tau-b, which corrects for ties. 0 where all values are equal; None where the truth has no order."""
    value_signs, truth_signs = (
        np.sign(np.subtract.outer(column, column)) for column in (np.asarray(values, float), np.asarray(truths, float))
    )
    if not truth_signs.any():
        return None
    pairs = float(np.sqrt((value_signs**2).sum() * (truth_signs**2).sum()))
    return float((value_signs * truth_signs).sum()) / pairs if pairs else 0.0
