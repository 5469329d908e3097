"""What must hold of the estimates over all worlds, in sentences (measurement design, section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.measurement.proportions import wilson_interval
from orchestration.scorecard.estimates import ALL, ESTIMATES, RANK, Kind
from orchestration.scorecard.metrics import Summary

ACQUITTED_FROM = 20
"""Worlds of each regime from which a naive reading can be said never to fail; fewer hide a bias behind chance."""
JUDGED_FROM = 200
"""Worlds of each regime from which coverage is judged: at .95 its standard error is 1.5 points."""
COVERAGE: dict[Kind, tuple[float, float]] = {"bounds": (0.95, 1.0), "interval": (0.93, 0.97), "resampled": (0.93, 0.97)}
FALSE_POSITIVES = 0.05


@dataclass(frozen=True)
class Claim:
    """A sentence and whether it holds; None: these worlds cannot tell."""

    text: str
    holds: bool | None


def acceptance(summaries: Sequence[Summary], regimes: Sequence[str]) -> list[Claim]:
    """A claim for each estimate that anything is asked of.

    `regimes` are all there are. What too few worlds cannot tell is said and not judged.
    """
    claims = []
    for estimate in ESTIMATES.values():
        mine = [summary for summary in summaries if summary.estimate_id == estimate.estimate_id]
        if estimate.kind == "exact":
            claims.append(_exact(estimate.text, mine))
        elif estimate.kind == "naive":
            claims.append(_naive(estimate.text, mine, regimes))
        elif estimate.kind == "verdict":
            claims += [
                _finds(estimate.text, summary)
                for summary in mine
                if summary.truth_mean == 0 and summary.bias is not None
            ]
        elif estimate.kind in COVERAGE:
            claims.append(_covers(estimate.text, mine, *COVERAGE[estimate.kind]))
    return claims


def _exact(text: str, summaries: Sequence[Summary]) -> Claim:
    wrong = [_place(summary) for summary in summaries if summary.unequal_worlds or summary.missing]
    if wrong:
        return Claim(f"{text}: differs from the truth in {'; '.join(wrong)}", False)
    comparisons = sum(summary.worlds for summary in summaries)
    return Claim(f"{text}: equals the truth in all {comparisons} comparisons", True if comparisons else None)


def _naive(text: str, summaries: Sequence[Summary], regimes: Sequence[str]) -> Claim:
    """By the total and by the order; its single scopes are in the summary."""
    summaries = [summary for summary in summaries if summary.scope in (ALL, RANK)]
    if failing := [f"{_place(summary)} ({summary})" for summary in summaries if summary.fails]:
        return Claim(f"{text}: fails in {'; '.join(failing)}", True)
    judged = {summary.regime for summary in summaries if summary.worlds >= ACQUITTED_FROM}
    if unjudged := [regime for regime in regimes if regime not in judged]:
        return Claim(
            f"{text}: fails nowhere yet, with fewer than {ACQUITTED_FROM} worlds of {', '.join(unjudged)}", None
        )
    return Claim(f"{text}: never fails, so the worlds are too kind to it", False)


def _covers(text: str, summaries: Sequence[Summary], least: float, most: float) -> Claim:
    """It fails where Wilson's interval of the coverage lies outside too; where only the coverage does, chance may do it."""
    covered = [(summary, summary.coverage) for summary in summaries if summary.coverage is not None]
    sure: list[str] = []
    perhaps: list[str] = []
    for summary, coverage in covered:
        lower, upper = wilson_interval(round(coverage * summary.intervals), summary.intervals)
        if not least <= coverage <= most:
            is_sure = upper < least or lower > most
            (sure if is_sure else perhaps).append(f"{_place(summary)} ({summary}; {lower:.2f} to {upper:.2f})")
    text = f"{text}: coverage outside {least:.2f} to {most:.2f} in {'; '.join(sure) or 'no regime'}"
    if perhaps:
        text += f", perhaps in {'; '.join(perhaps)}"
    if not covered or min(summary.intervals for summary, _ in covered) < JUDGED_FROM:
        return Claim(f"{text}, judged from {JUDGED_FROM} worlds of each regime on", None)
    return Claim(text, False if sure else None if perhaps else True)


def _finds(text: str, summary: Summary) -> Claim:
    """Where there is nothing to find; the interval is Wilson's, over worlds."""
    worlds = summary.worlds - summary.missing
    found = round((summary.bias or 0.0) * worlds)
    lower, upper = wilson_interval(found, worlds)
    text = (
        f"{text}: in {found} of {worlds} worlds of {_place(summary)}, where there is none ({lower:.3f} to {upper:.3f})"
    )
    if worlds < JUDGED_FROM:
        return Claim(f"{text}, judged from {JUDGED_FROM} worlds on", None)
    return Claim(text, found / worlds <= FALSE_POSITIVES or (None if lower <= FALSE_POSITIVES else False))


def _place(summary: Summary) -> str:
    return summary.regime if summary.scope in (ALL, RANK) else f"{summary.regime} / {summary.scope}"
