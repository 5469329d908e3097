"""How many conversions were touched, and how many influenced: what the data bound, under which assumptions.

Conversions are orders and payments that were not wholly taken back. A figure is about all of a period's conversions
together; nothing here says of one conversion that it was influenced, for no data can (Tian and Pearl 2000).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.stats import norm

from orchestration.measurement.bounds import Interval, Leak, between, clicks_with_dark, proven
from orchestration.measurement.capture import FEWEST_IN_BOTH, chapman, chapman_draws
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.misclassification import ratio_limits, rogan_gladen
from orchestration.measurement.proportions import wilson_interval

ALL = "all"
CONFIDENCE = 0.95
JOINT_CONFIDENCE = 0.975
"""Of the touched, and of an experiment, so that where both meet they hold the truth with 95 % (Bonferroni)."""
WORST_SPECIFICITY = 0.90
"""Assumption S3."""
NO_CONVERSION = "there is no conversion"
SCARCE = f"fewer than {FEWEST_IN_BOTH} conversions have"
DRAWS = 2000
SEED = 20_260_601


@dataclass(frozen=True)
class Counts:
    """What was found of one period and scope."""

    conversions: int
    sure: int
    """With a click, an invitation or an act."""
    by_code: int
    """With a code and nothing surer."""
    exposed: int
    """Which could carry a code and have nothing surer."""
    answered: int
    named: int
    """Answers that name a channel of the brand's own."""
    told: int
    """Answers that name one or say that somebody passed it on."""


@dataclass(frozen=True)
class Sensitivity:
    """How often touched buyers say so: of buyers with a click who answered, those named and told as in `Counts`."""

    answered: int
    named: int
    told: int

    @property
    def is_known(self) -> bool:
        """Whether clicks and answers found enough conversions in common."""
        return self.named >= FEWEST_IN_BOTH


@dataclass(frozen=True)
class Finding:
    """One row of the bounds, without its period and scope."""

    estimand: str
    level: str
    method: str
    assumption_ids: str
    interval: Interval | None = None
    """A limit that is not finite is left open."""
    status: str = "ok"
    reason: str | None = None


def evidence_leak_rates(
    code_leaks: pd.DataFrame, coupons: pd.DataFrame, off_period_claims: pd.DataFrame
) -> pd.DataFrame:
    """How often evidence names a channel wrongly, for each tier and method; a row too where nothing measures it.

    A code's rate is that of all published codes together: as many times that of one code that was not published. On
    planned days off the untouched name a channel at most as often as all do, for the touched do so more often.
    """
    codes = _code_count(coupons)
    rows = []
    for method, status, reason in (
        ("canary", "measured", None),
        ("before_publication", "at_least", "the code may not have worked on all of the days before it was published"),
    ):
        found = code_leaks[code_leaks["leak_method"] == method]
        claims, exposures = int(found["claim_count"].sum()), int(found["exposure_count"].sum())
        row: dict[str, Any] = {
            "evidence_tier": "T4",
            "leak_method": method,
            "claim_count": claims,
            "exposure_count": exposures,
            "code_count": codes,
            "assumption_ids": "E1",
        }
        if exposures:
            row |= {
                "leak_rate": min(1.0, codes * claims / exposures),
                "leak_rate_upper": min(1.0, codes * wilson_interval(claims, exposures)[1]),
                "leak_status": status,
                "reason": reason,
            }
        else:
            row |= {
                "leak_status": "not_measured",
                "reason": "no conversion could have used a code that nobody was shown",
            }
        rows.append(row)
    counts = off_period_claims.set_index("evidence_tier")
    for tier in ("T2", "T3", "T4", "T5", "T6", "T7"):
        claims, exposures = (int(counts[name].get(tier, 0)) for name in ("claim_count", "exposure_count"))
        row = {
            "evidence_tier": tier,
            "leak_method": "off_period",
            "claim_count": claims,
            "exposure_count": exposures,
            "assumption_ids": "E3",
        }
        if exposures:
            row |= {
                "leak_rate": claims / exposures,
                "leak_rate_upper": wilson_interval(claims, exposures)[1],
                "leak_status": "at_most",
                "reason": "who names a channel on a day off may have met it before",
            }
        else:
            row |= {
                "leak_status": "not_measured",
                "reason": "no conversion that could have such evidence falls on planned days off without any post",
            }
        rows.append(row)
    return _with_columns(rows, LEAK_COLUMNS)


def network_visits(
    visits: pd.DataFrame, histories: pd.DataFrame, direct_shares: pd.DataFrame, own_channels: pd.DataFrame
) -> pd.DataFrame:
    """How many visits each own channel sent, with those that came without a referrer, by period.

    Channels are those that a visit, a code or an answer names; at least the visits with referrer, at most these and
    every direct visit.
    """
    shares = direct_shares.set_index("channel_id")
    own = own_channels.loc[own_channels["reach"] == "own", "channel_id"]
    channels = sorted(set(own) & (set(visits["channel_id"]) | set(histories["scope"])))
    rows = []
    for period, month, of_period in _periods(visits, "visit_month_date"):
        counts = of_period.groupby("channel_id")["visit_count"].sum()
        direct = int(counts.get("(direct)", 0))
        for channel in channels:
            referred = int(counts.get(channel, 0))
            row: dict[str, Any] = {
                "period": period,
                "month_date": month,
                "channel_id": channel,
                "referred_count": referred,
                "direct_count": direct,
                "visit_count_lower": float(referred),
                "visit_count_upper": float(referred + direct),
                "method": "direct_share",
                "assumption_ids": "N1",
            }
            if channel not in shares.index:
                row |= {"visit_status": "not_measured", "reason": "nobody measured this channel's direct share"}
            elif (total := clicks_with_dark(referred, share := float(shares.loc[channel, "direct_share"]))) is None:
                row |= {
                    "direct_share": share,
                    "visit_status": "not_identified",
                    "reason": "every visit from there is direct, so any number of them fits",
                }
            else:
                measured = float(shares.loc[channel, "measured_visit_count"])
                highest = wilson_interval(share * measured, measured)[1]
                most = (referred + norm.ppf((1 + CONFIDENCE) / 2) * referred**0.5) / (1 - highest)
                ceiling = float(referred + direct)
                row |= {
                    "direct_share": share,
                    "visit_count": min(total, ceiling),
                    "visit_count_upper": min(max(most, total), ceiling),
                    "visit_status": "ok",
                }
            rows.append(row)
    return _with_columns(rows, NETWORK_COLUMNS)


def influence_bounds(
    histories: pd.DataFrame, code_leaks: pd.DataFrame, coupons: pd.DataFrame, experiments: pd.DataFrame
) -> pd.DataFrame:
    """Bounds of touched and influenced conversions for each month and all time; channels where evidence proves them."""
    leak = _leak(code_leaks)
    clicked = _counts(histories[(histories["scope"] == ALL) & histories["has_click"] & histories["has_answer"]])
    sensitivity = Sensitivity(clicked.answered, clicked.named, clicked.told)
    codes = _code_count(coupons)
    codes_by_channel = {channel: _code_count(published) for channel, published in coupons.groupby("channel_id")}
    rows = []
    for period, month, of_period in _periods(histories, "converted_date"):
        scopes = dict(iter(of_period.groupby("scope")))
        everything = scopes.pop(ALL, of_period.iloc[:0])
        counts = _counts(everything)
        touched = _touched(counts, codes, leak, sensitivity)
        assumed = _assumed(everything, counts, codes, leak, sensitivity) if period == ALL else ()
        experiment = (
            _experiment(experiments, everything) if period == ALL else "an experiment counts for its whole time"
        )
        influenced = _influenced(counts, _narrowest(touched), experiment)
        findings = [(ALL, finding) for finding in (*touched, *assumed, *influenced)]
        for channel, of_channel in scopes.items():
            found = _counts_of_channel(of_channel, everything)
            findings.append((channel, _evidenced(found, codes_by_channel.get(channel, 0), leak)))
        rows += [_row(period, month, scope, counts.conversions, finding) for scope, finding in findings]
    return _with_columns(rows, BOUND_COLUMNS)


def _touched(counts: Counts, codes: int, leak: Leak, sensitivity: Sensitivity) -> list[Finding]:
    """T0, evidence alone; T1, with what answers say of those who answered; T2, and of those who did not."""
    return [
        _evidenced(counts, codes, leak),
        *(_answered(counts, codes, leak, sensitivity, level) for level in ("T1", "T2")),
    ]


def _evidenced(counts: Counts, codes: int, leak: Leak) -> Finding:
    finding = Finding("touched", "T0", "evidence", "E1 E2" if leak.is_measured else "E2")
    if not counts.conversions:
        return replace(finding, status="not_enough_data", reason=NO_CONVERSION)
    lower, limit = proven(counts.sure, counts.by_code, counts.exposed, codes, leak)
    everyone = float(counts.conversions)
    interval = between(lower, everyone, limit, lambda deviation: everyone, JOINT_CONFIDENCE, is_narrowest=False)
    if counts.by_code and not leak.is_measured:
        finding = replace(finding, reason="codes prove nothing here: no canary code shows how often they leak")
    return replace(finding, interval=interval)


def _answered(counts: Counts, codes: int, leak: Leak, sensitivity: Sensitivity, level: str) -> Finding:
    """At most as many are touched as say so, by the share of the touched who do.

    Who heard it from a friend counts as saying so: the friend may have had it from the brand. Whoever says so wrongly
    makes the bound too high, and still a bound: no specificity is assumed.
    """
    ids = ("E1 E2" if leak.is_measured else "E2") + (" S2" if level == "T1" else " S1 S2")
    empty = Finding("touched", level, "answers_worst_case" if level == "T1" else "answers", ids)
    if not counts.answered:
        return replace(empty, status="not_enough_data", reason="nobody said how they heard of the brand")
    if not sensitivity.is_known:
        return replace(empty, status="not_enough_data", reason=f"{SCARCE} both a click and an answer naming a channel")
    silent = counts.conversions - counts.answered
    told, confirmed = (counts.told, counts.answered), (sensitivity.told, sensitivity.answered)

    def most(share: float) -> float:
        share = min(share, 1.0)
        return counts.answered * share + silent if level == "T1" else counts.conversions * share

    lower, lower_limit = proven(counts.sure, counts.by_code, counts.exposed, codes, leak)
    interval = between(
        lower,
        most(told[0] / told[1] / (confirmed[0] / confirmed[1])),
        lower_limit,
        lambda deviation: most(ratio_limits(told, confirmed, deviation)[1]),
        JOINT_CONFIDENCE,
        is_narrowest=level == "T2",
    )
    if interval is None:
        return replace(
            empty,
            status="assumption_conflict",
            reason="evidence proves more than the answers allow, beyond their error",
        )
    return replace(empty, interval=interval)


def _assumed(
    everything: pd.DataFrame, counts: Counts, codes: int, leak: Leak, sensitivity: Sensitivity
) -> Iterator[Finding]:
    """T3: points that need assumptions which nothing in the data tests; each goes wrong in some simulated world."""
    total = float(counts.conversions)

    def within(lower: float, upper: float, ci_lower: float, ci_upper: float) -> Interval:
        return Interval(*(min(max(limit, 0.0), total) for limit in (lower, upper, ci_lower, ci_upper)))

    rogan = Finding("touched", "T3", "rogan_gladen", "E2 S1 S2 S3", status="sensitivity")
    if sensitivity.is_known and counts.answered:
        share = sensitivity.named / sensitivity.answered
        ends = []
        for specificity in (WORST_SPECIFICITY, 1.0):
            if share + specificity > 1:
                ends.append(rogan_gladen(counts.named, counts.answered, share, specificity, sensitivity.answered))
        reach = float(norm.ppf((1 + CONFIDENCE) / 2))
        (least, least_error), (most, most_error) = ends[0], ends[-1]
        limits = (least, most, least - reach * least_error, most + reach * most_error)
        yield replace(rogan, interval=within(*(total * limit for limit in limits)))
    else:
        yield replace(rogan, status="not_enough_data", reason=f"{SCARCE} both a click and an answer naming a channel")

    answered = everything[everything["has_answer"]]
    yield _recaptured(
        Finding("touched", "T3", "chapman_click_answer", "E2 K1 S1", status="sensitivity"),
        answered,
        "has_naming_answer",
        Leak(0, 0),
        0,
        counts.conversions,
    )
    carrying = everything[everything["can_carry_code"]]
    by_code = Finding("touched", "T3", "chapman_click_code", "E1 E2 K1 S1", status="sensitivity")
    if leak.is_measured:
        yield _recaptured(by_code, carrying, "has_code", leak, codes, counts.conversions)
    else:
        yield replace(by_code, status="not_enough_data", reason="no canary code shows how often codes leak")


def _recaptured(
    empty: Finding, observed: pd.DataFrame, second: str, leak: Leak, codes: int, conversions: int
) -> Finding:
    """Chapman's estimate of clicks and another source, among conversions that both could find, by a Poisson bootstrap.

    What it says of them is taken to hold of all conversions (assumption S1). It draws conversions, not persons: who
    buys twice counts as two.
    """
    clicked, other = observed["has_click"], observed[second]
    both = _count(observed, clicked & other)
    first_alone, second_alone = _count(observed, clicked & ~other), _count(observed, other & ~clicked)
    if both < FEWEST_IN_BOTH:
        return replace(empty, status="not_enough_data", reason=f"{SCARCE} both kinds of evidence")
    scale = conversions / _count(observed)
    chances = codes * (_count(observed) - both - first_alone)
    generator = np.random.default_rng(SEED)
    draws = generator.poisson((both, first_alone, second_alone), (DRAWS, 3))
    leaked = np.zeros(DRAWS)
    expected = 0.0
    if leak.is_measured:
        expected = chances * leak.claims / leak.exposures
        leaked = generator.gamma(leak.claims + 0.5, chances / leak.exposures, DRAWS)
    ci_lower, ci_upper = np.quantile(chapman_draws(draws, leaked), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    estimate = chapman(both + first_alone, both + max(second_alone - expected, 0.0), both).estimate
    limits = [min(float(limit) * scale, float(conversions)) for limit in (ci_lower, estimate, ci_upper)]
    return replace(
        empty,
        interval=Interval(limits[1], limits[1], min(limits[0], limits[1]), max(limits[1], limits[2])),
    )


def _narrowest(touched: Sequence[Finding]) -> Finding | None:
    """The last level that holds; None where there is no conversion."""
    return next((finding for finding in reversed(touched) if finding.status == "ok"), None)


@dataclass(frozen=True)
class Experiment:
    """What a randomised switchback says of the conversions in its time, and how many fall outside it."""

    caused: float
    lower: float
    upper: float
    """At 97.5 %, as `lower`."""
    outside: int


def _experiment(experiments: pd.DataFrame, everything: pd.DataFrame) -> Experiment | str:
    """The randomised switchback with most conversions, or why there is none."""
    usable = experiments[
        (experiments["estimator"] == "switchback")
        & (experiments["status"] == "ok")
        & experiments["caused_count_lower_975"].notna()
        & experiments["caused_count_upper_975"].notna()
    ]
    if usable.empty:
        return "no randomised switchback has a result"
    chosen = usable.sort_values(["n_conversions", "experiment_id"], ascending=[False, True], kind="stable").iloc[0]
    days = pd.to_datetime(everything["converted_date"])
    is_outside = (days < pd.Timestamp(chosen["start_date"])) | (days > pd.Timestamp(chosen["end_date"]))
    caused, lower, upper = chosen[["caused_count", "caused_count_lower_975", "caused_count_upper_975"]].astype(float)
    return Experiment(float(caused), float(lower), float(upper), _count(everything, is_outside))


def _influenced(counts: Counts, touched: Finding | None, experiment: Experiment | str) -> list[Finding]:
    """A0 to A4, from the narrowest interval of the touched."""
    ladder = [
        Finding("influenced", "A0", "none", "A0"),
        Finding("influenced", "A1", "monotone_response", "A1"),
        Finding("influenced", "A2", "touched", "A1 A2"),
        Finding("influenced", "A3", "exposed_and_unexposed", "A1 A2 A3"),
        Finding("influenced", "A4", "switchback", "A1 A2 A4 A6 A7"),
    ]
    if touched is None or touched.interval is None:
        return [replace(finding, status="not_enough_data", reason=NO_CONVERSION) for finding in ladder]
    nothing, deters_nobody, among_touched, selected, randomised = ladder
    everyone = float(counts.conversions)
    most, ci_most = touched.interval.upper, touched.interval.ci_upper
    return [
        replace(nothing, interval=Interval(-math.inf, everyone, -math.inf, everyone)),
        replace(deters_nobody, interval=Interval(0.0, everyone, 0.0, everyone)),
        replace(
            among_touched,
            method=f"touched_by_{touched.method}",
            assumption_ids=f"A1 A2 {touched.assumption_ids}",
            interval=Interval(0.0, most, 0.0, ci_most),
        ),
        replace(
            selected,
            status="not_identified",
            reason="lists tell who is entangled, no export tells how many others could have bought",
        ),
        _randomised(
            replace(randomised, assumption_ids=f"A1 A2 A4 A6 A7 {touched.assumption_ids}"), touched.interval, experiment
        ),
    ]


def _randomised(empty: Finding, touched: Interval, experiment: Experiment | str) -> Finding:
    """The experiment's interval where it meets that of the touched.

    An experiment tells of the conversions in its time; of those outside, none to all may have been influenced.
    """
    if isinstance(experiment, str):
        return replace(empty, status="not_identified", reason=experiment)
    if experiment.upper < 0:
        deterred = "the experiment says that the activity deters, beyond its error"
        return replace(empty, status="assumption_conflict", reason=deterred)
    ci_lower = max(0.0, experiment.lower)
    ci_upper = min(experiment.upper + experiment.outside, touched.ci_upper)
    if ci_lower > ci_upper:
        conflict = "more were caused by the experiment than can have been touched, beyond the error of both"
        return replace(empty, status="assumption_conflict", reason=conflict)
    # What still works on days off is in the upper limit alone: the count itself came to half of the truth in base worlds.
    lower = min(max(experiment.caused, ci_lower), ci_upper)
    return replace(empty, interval=Interval(lower, ci_upper, ci_lower, ci_upper))


BOUND_COLUMNS = (
    *("period", "month_date", "scope", "estimand", "level", "method", "lower", "point", "upper"),
    *("ci_lower", "ci_upper", "conversion_count", "assumption_ids", "status", "reason"),
)
LEAK_COLUMNS = (
    *("evidence_tier", "leak_method", "claim_count", "exposure_count", "code_count", "leak_rate"),
    *("leak_rate_upper", "assumption_ids", "leak_status", "reason"),
)
NETWORK_COLUMNS = (
    *("period", "month_date", "channel_id", "referred_count", "direct_count", "direct_share", "visit_count_lower"),
    *("visit_count", "visit_count_upper", "method", "assumption_ids", "visit_status", "reason"),
)


def _row(period: str, month: Any, scope: str, conversions: int, finding: Finding) -> dict[str, Any]:
    interval = finding.interval
    limits = ("lower", "upper", "ci_lower", "ci_upper")
    values = {
        name: None if interval is None or not math.isfinite(getattr(interval, name)) else getattr(interval, name)
        for name in limits
    }
    return {
        "period": period,
        "month_date": month,
        "scope": scope,
        "estimand": finding.estimand,
        "level": finding.level,
        "method": finding.method,
        **values,
        "point": None,  # No level names a single number that holds in every simulated world.
        "conversion_count": conversions,
        "assumption_ids": finding.assumption_ids,
        "status": finding.status,
        "reason": finding.reason,
    }


def _periods(frame: pd.DataFrame, date_column: str) -> Iterator[tuple[str, Any, pd.DataFrame]]:
    """All time, then each month that has rows: its name, its first day, its rows."""
    yield ALL, None, frame
    months = pd.to_datetime(frame[date_column]).dt.to_period("M")
    for month in sorted(months.unique()):
        yield str(month), month.to_timestamp().date(), frame[months == month]


def _counts(histories: pd.DataFrame) -> Counts:
    sure = _is_sure(histories)
    return Counts(
        conversions=_count(histories),
        sure=_count(histories, sure),
        by_code=_count(histories, histories["has_code"] & ~sure),
        exposed=_count(histories, histories["can_carry_code"] & ~sure),
        answered=_count(histories, histories["has_answer"]),
        named=_count(histories, histories["has_naming_answer"]),
        told=_count(histories, histories["has_naming_answer"] | histories["has_passed_on_answer"]),
    )


def _counts_of_channel(histories: pd.DataFrame, everything: pd.DataFrame) -> Counts:
    """As `_counts`, of a channel: whatever names nothing of it has no row of its own but could carry its code."""
    found = _counts(histories)
    sure_with_code = _count(histories, _is_sure(histories) & histories["can_carry_code"])
    exposed = _count(everything, everything["can_carry_code"]) - sure_with_code
    return replace(found, conversions=_count(everything), exposed=exposed)


def _is_sure(histories: pd.DataFrame) -> pd.Series:
    return cast("pd.Series", histories["has_click"] | histories["has_invitation_or_act"])


def _count(histories: pd.DataFrame, holds: pd.Series | None = None) -> int:
    counts = histories["conversion_count"].to_numpy()
    return int(counts.sum() if holds is None else counts[holds.to_numpy(dtype=bool)].sum())


def _leak(code_leaks: pd.DataFrame) -> Leak:
    """Of canary codes alone: a code may not have worked on the days before it was published."""
    canaries = code_leaks[code_leaks["leak_method"] == "canary"]
    return Leak(float(canaries["claim_count"].sum()), float(canaries["exposure_count"].sum()))


def _code_count(coupons: pd.DataFrame) -> int:
    return int(coupons["coupon_code"].str.strip().str.lower().nunique())


def _with_columns(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """The rows with every column, None where a row has it not."""
    return pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=list(columns), dtype=object)


MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement(
        "evidence_leak_rates",
        ("intermediate.int_code_leaks", "reference.coupons", "intermediate.int_off_period_claims"),
        evidence_leak_rates,
    ),
    Measurement(
        "network_visits",
        (
            *("intermediate.int_visits_monthly", "intermediate.int_capture_histories"),
            *("reference.network_direct_shares", "reference.own_channels"),
        ),
        network_visits,
    ),
    Measurement(
        "influence_bounds",
        (
            "intermediate.int_capture_histories",
            "intermediate.int_code_leaks",
            "reference.coupons",
            "measurement.incrementality_estimates",
        ),
        influence_bounds,
    ),
)
