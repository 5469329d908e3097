"""The audience ladder and how unequally people take part, from counts by period and platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from orchestration.measurement.figures import COLUMNS, Figure, counted, nothing, union
from orchestration.measurement.inequality import gini, gini_interval, top_share, top_share_interval
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.proportions import wilson_interval
from orchestration.measurement.unseen import chao2, likely_once, sample_coverage

ALL = "all"
"""The period of everything, and the platform that is all of them together."""
FEWEST_ACTORS = 10
"""Persons from whom the unseen are inferred; below it an interval spans orders of magnitude."""
STALE_DAYS = 31
"""How old the last word on links may be to say who stands at the end of a period."""
LIST_DAYS = 7
"""How old the last list may be where only lists tell who stands; the demo's world moves 10 % in a month."""
CLASSES = 3
"""Lurking, interacting, engaged: shares of one whole, whose intervals hold together (Goodman 1965)."""

Histograms = Mapping[tuple[str, str, str], Mapping[int, int]]
"""By period, platform and what is counted: the persons for each number of posts or acts."""

NO_POSTS = "a newsletter has no posts to act on"
NO_NAMES = "acts are known only as totals, or not at all: no export says who acted"
NO_NAMES_NOW = "in the period no export says who acted"
NO_REACH = "no export tells how many different people were reached"
NO_MATCH = "no identifier of this platform is of a kind that stands on purchases"


def measure_audience(counts: pd.DataFrame, actors: pd.DataFrame) -> pd.DataFrame:
    """One row per period, platform or all of them, and step of the ladder."""
    histograms = _histograms(actors)
    rows = []
    for period, audiences in counts.groupby("period", sort=True):
        ladders: dict[str, tuple[str, dict[str, Figure]]] = {}
        for audience in audiences.sort_values("platform_id").to_dict("records"):
            posts = histograms.get((str(period), audience["platform_id"], "posts"), {})
            ladders[audience["platform_id"]] = (audience["platform_kind"], ladder(audience, posts))
        for platform, steps in [*((p, steps) for p, (_, steps) in ladders.items()), (ALL, together(ladders))]:
            rows += [
                {"period": period, "platform_id": platform, "step": step, **figure.columns()}
                for step, figure in steps.items()
            ]
    return pd.DataFrame(rows, columns=["period", "platform_id", "step", *COLUMNS])


def measure_participation(counts: pd.DataFrame, actors: pd.DataFrame) -> pd.DataFrame:
    """One row per period, platform with posts and measure of inequality."""
    histograms = _histograms(actors)
    rows = [
        {"period": audience["period"], "platform_id": audience["platform_id"], "measure": measure, **figure.columns()}
        for audience in counts[counts["platform_kind"] == "social"].to_dict("records")
        for measure, figure in participation(
            audience, histograms.get((audience["period"], audience["platform_id"], "acts"), {})
        ).items()
    ]
    return pd.DataFrame(rows, columns=["period", "platform_id", "measure", *COLUMNS])


def ladder(audience: Mapping[str, Any], posts: Mapping[int, int]) -> dict[str, Figure]:
    """Every step of one platform and period; `posts` says how many persons acted on how many posts."""
    reach = _reach(audience)
    seen = _seen(audience, audience["actor_count"])
    estimated = _estimated(audience, posts)
    buyers = _buyers(audience)
    return {
        "reach_unique": reach,
        "entangled_open": _entangled(audience),
        "actors_seen": seen,
        "actors_estimated": estimated,
        "actors_estimated_fewer_singletons": _estimated(
            audience, _fewer_singletons(posts), "chao2_good_turing_singletons", "AU3"
        ),
        "actor_coverage": _coverage(audience, posts),
        "engaged_seen": _seen(audience, audience["engaged_count"]),
        "other_actors_seen": _others(audience),
        "lurkers": lurkers(reach, seen, estimated),
        "silent_buyers": buyers,
        "silent_buyer_share": _share_of_buyers(audience, buyers),
    }


def together(ladders: Mapping[str, tuple[str, Mapping[str, Figure]]]) -> dict[str, Figure]:
    """The steps of all platforms as one audience: bounds, never a sum alone. Shares have none."""
    social = {platform: steps for platform, (kind, steps) in ladders.items() if kind == "social"}
    every = {platform: steps for platform, (_, steps) in ladders.items()}
    matched = {p: steps for p, steps in every.items() if steps["silent_buyers"].reason != NO_MATCH}

    def bounds(step: str, platforms: Mapping[str, Mapping[str, Figure]]) -> Figure:
        parts = [(platform, steps[step]) for platform, steps in platforms.items()]
        used = {assumption for _, figure in parts for assumption in figure.assumptions}
        return union(parts, *sorted(used | {"AU1"})) if parts else nothing("no platform tells", "frechet")

    reach, seen, estimated = (bounds(s, social) for s in ("reach_unique", "actors_seen", "actors_estimated"))
    return {
        "reach_unique": reach,
        "entangled_open": bounds("entangled_open", every),
        "actors_seen": seen,
        "actors_estimated": estimated,
        "engaged_seen": bounds("engaged_seen", social),
        "lurkers": lurkers(reach, seen, estimated),
        "silent_buyers": bounds("silent_buyers", matched),
    }


def lurkers(reach: Figure, seen: Figure, estimated: Figure) -> Figure:
    """Bounds of those who were reached and never act, from bounds of those who were reached and of those who act."""
    if reach.lower is None and reach.upper is None:
        return nothing(NO_REACH, "reach_less_actors")
    most = estimated.upper if estimated.status == "ok" else None
    lower = None if reach.lower is None or most is None else max(0.0, reach.lower - most)
    upper = None if reach.upper is None else max(0.0, reach.upper - (seen.lower or 0))
    open_side = lower is None or upper is None
    return Figure(
        None,
        lower,
        upper,
        reach.count,
        "partial" if open_side else "ok",
        "one side stays open: of reach or of actors no such bound is known" if open_side else None,
        "reach_less_actors",
        tuple(sorted({*reach.assumptions, *estimated.assumptions})),
    )


def participation(audience: Mapping[str, Any], acts: Mapping[int, int]) -> dict[str, Figure]:
    """Every measure of one platform and period; `acts` says how many persons acted how often."""
    return {
        "top_1_percent_share": _top(audience, acts, 0.01),
        "top_10_percent_share": _top(audience, acts, 0.1),
        "gini": _gini(audience, acts),
        **_classes(audience),
    }


def _histograms(actors: pd.DataFrame) -> Histograms:
    histograms: dict[tuple[str, str, str], dict[int, int]] = {}
    for row in actors.to_dict("records"):
        key = (row["period"], row["platform_id"], row["counted"])
        histograms.setdefault(key, {})[int(row["times"])] = int(row["actor_count"])
    return histograms


def _why_unnamed(audience: Mapping[str, Any]) -> str | None:
    """Why nothing is known of who acted, or None where something is."""
    if audience["platform_kind"] == "newsletter":
        return NO_POSTS
    named_from, named_to = _day(audience["named_from_date"]), _day(audience["named_to_date"])
    if named_from is None or named_to is None:
        return NO_NAMES
    start, end = _days(audience)
    if named_from > end or named_to < start:
        return NO_NAMES_NOW
    return None


def _reserved(audience: Mapping[str, Any], figure: Figure) -> Figure:
    """The figure, marked where only a part of the period names who acted and totals show that more was done."""
    start, end = _days(audience)
    named_from, named_to = _day(audience["named_from_date"]) or end, _day(audience["named_to_date"]) or start
    if figure.status == "ok" and audience["unnamed_act_count"] > 0 and (named_from > start or named_to < end):
        return figure.because(
            f"who acted is known from {named_from} to {named_to} only; totals without persons tell of more", "partial"
        )
    return figure


def _reach(audience: Mapping[str, Any]) -> Figure:
    if pd.isna(audience["reach_lower_count"]):
        return nothing(NO_REACH, "reported")
    upper = None if pd.isna(audience["reach_upper_count"]) else float(audience["reach_upper_count"])
    figure = Figure(None, float(audience["reach_lower_count"]), upper, None, method="frechet", assumptions=("AU1",))
    return figure if upper is not None else figure.because("not every day of the period is reported", "partial")


def _entangled(audience: Mapping[str, Any]) -> Figure:
    links_from, links_to = _day(audience["links_from_date"]), _day(audience["links_to_date"])
    _, end = _days(audience)
    if links_from is None or links_to is None:
        return nothing("links are known only as totals, or not at all", "counted")
    if links_from > end:
        return nothing("the first that is known of a link is later", "counted")
    if (end - links_to).days > STALE_DAYS:
        return nothing(f"nothing is known of links by person after {links_to}", "counted")
    figure = counted(audience["entangled_count"], audience["entangled_count"], "AU4", "AU8")
    if audience["has_known_ends"]:
        listed = _day(audience["last_listed_date"])
        if audience["has_dated_ends"] or (listed is not None and (end - listed).days <= LIST_DAYS):
            return figure
        reason = (
            f"only lists tell who left and who came, the last one of {listed}"
            if listed
            else "only lists tell who left, and the first one is later"
        )
        return replace(figure.because(reason, "partial"), lower=None, upper=None)
    return Figure(
        None,
        None,
        figure.upper,
        figure.count,
        "not_identified",
        "no export tells when a link ends: at most so many stand",
        "counted",
        figure.assumptions,
    )


def _seen(audience: Mapping[str, Any], count: int) -> Figure:
    if reason := _why_unnamed(audience):
        return nothing(reason, "counted")
    figure = _reserved(audience, counted(count, audience["post_count"], "AU4", "AU5"))
    # Of a part of the period it is a lower bound.
    return figure if figure.status == "ok" else replace(figure, upper=None)


def _others(audience: Mapping[str, Any]) -> Figure:
    """Who acted without answering a post: by a message, or a mention out of the blue."""
    others = audience["other_actor_count"]
    reason = _why_unnamed(audience)
    return nothing(reason, "counted") if reason and others == 0 else counted(others, others, "AU4")


def _estimated(
    audience: Mapping[str, Any],
    posts: Mapping[int, float],
    method: str = "chao2_bias_corrected",
    *assumptions: str,
) -> Figure:
    if refused := _too_little(audience, method):
        return refused
    if sum(posts.values()) == 0:
        return nothing(
            "nobody acted on two posts, so all may be spurious", method, "not_enough_data", audience["post_count"]
        )
    estimate = chao2(posts, audience["post_count"])
    return _reserved(
        audience,
        Figure(
            estimate.value,
            estimate.lower,
            estimate.upper,
            audience["post_count"],
            method=method,
            assumptions=tuple(sorted({"AU2", "AU4", "AU5", *assumptions})),
        ),
    )


def _fewer_singletons(posts: Mapping[int, int]) -> dict[int, float]:
    """Those seen on one post as those seen on two to four would have it, where that is fewer than there are."""
    return {**posts, 1: min(posts.get(1, 0), likely_once(posts))}


def _coverage(audience: Mapping[str, Any], posts: Mapping[int, int]) -> Figure:
    if refused := _too_little(audience, "good_turing"):
        return refused
    coverage = sample_coverage(posts, audience["post_count"])
    return _reserved(
        audience,
        Figure(coverage, None, None, audience["post_count"], method="good_turing", assumptions=("AU2", "AU4", "AU5")),
    )


def _too_little(audience: Mapping[str, Any], method: str) -> Figure | None:
    if reason := _why_unnamed(audience):
        return nothing(reason, method)
    if audience["actor_count"] < FEWEST_ACTORS or audience["post_count"] < 2:
        return nothing(
            f"fewer than {FEWEST_ACTORS} actors or 2 posts", method, "not_enough_data", audience["post_count"]
        )
    return None


def _buyers(audience: Mapping[str, Any]) -> Figure:
    if not audience["is_matchable"]:
        return nothing(NO_MATCH, "identity_match")
    silent = audience["silent_buyer_count"]
    return Figure(
        silent, silent, silent, audience["matched_buyer_count"], method="identity_match", assumptions=("AU6",)
    )


def _share_of_buyers(audience: Mapping[str, Any], silent: Figure) -> Figure:
    if silent.figure is None:
        return silent
    matched = audience["matched_buyer_count"]
    if matched == 0:
        return nothing("nobody who was linked bought", "wilson", "not_enough_data", 0)
    return Figure(
        silent.figure / matched,
        *wilson_interval(silent.figure, matched),
        matched,
        method="wilson",
        assumptions=silent.assumptions,
    )


def _top(audience: Mapping[str, Any], acts: Mapping[int, int], top: float) -> Figure:
    if reason := _why_unnamed(audience):
        return nothing(reason, "lorenz")
    actors = audience["actor_count"]
    if actors * top < 1:
        return nothing(
            f"fewer than {round(1 / top)} actors: the top {top:.0%} is less than a person",
            "lorenz",
            "not_enough_data",
            actors,
        )
    return _reserved(
        audience,
        Figure(
            top_share(acts, top),
            *top_share_interval(acts, top),
            actors,
            method="lorenz",
            assumptions=("AU4", "AU5", "AU7"),
        ),
    )


def _gini(audience: Mapping[str, Any], acts: Mapping[int, int]) -> Figure:
    if refused := _too_little(audience, "gini"):
        return refused
    return _reserved(
        audience,
        Figure(
            gini(acts),
            *gini_interval(acts),
            audience["actor_count"],
            method="gini",
            assumptions=("AU4", "AU5", "AU7"),
        ),
    )


def _classes(audience: Mapping[str, Any]) -> dict[str, Figure]:
    """Those linked in the period: who engaged, who acted otherwise, of whom no act is known."""
    engaged, interacting, linked = (audience[f"linked_{name}count"] for name in ("engaged_", "interacting_", ""))
    people = {
        "lurking_share": linked - engaged - interacting,
        "interacting_share": interacting,
        "engaged_share": engaged,
    }
    reason = _why_unnamed(audience)
    if reason is None and _day(audience["links_from_date"]) is None:
        reason = "who was linked is not known by person"
    if reason:
        return dict.fromkeys(people, nothing(reason, "wilson"))
    if linked < FEWEST_ACTORS:
        return dict.fromkeys(
            people, nothing(f"fewer than {FEWEST_ACTORS} people were linked", "wilson", "not_enough_data", linked)
        )
    return {
        measure: _reserved(
            audience,
            Figure(
                count / linked,
                *wilson_interval(count, linked, 1 - 0.05 / CLASSES),
                linked,
                method="wilson",
                assumptions=("AU4", "AU5", "AU8"),
            ),
        )
        for measure, count in people.items()
    }


def _days(audience: Mapping[str, Any]) -> tuple[date, date]:
    """First and last day of the period."""
    return pd.Timestamp(audience["period_start_date"]).date(), pd.Timestamp(audience["period_end_date"]).date()


def _day(value: Any) -> date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


_READS = ("intermediate.int_audience_counts", "intermediate.int_actor_counts")

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("audience_figures", _READS, measure_audience),
    Measurement("participation_figures", _READS, measure_participation),
)
