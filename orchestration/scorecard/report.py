"""The scorecard as files: every world's row, a summary, a page of Markdown and a picture."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Literal

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from orchestration.scorecard.acceptance import COVERAGE, Claim, acceptance
from orchestration.scorecard.estimates import ALL, ESTIMATES, RANK, Kind
from orchestration.scorecard.metrics import (
    VISIBLE_BIAS,
    VISIBLE_FALSE_SHARE,
    VISIBLE_TAU,
    Score,
    Summary,
    summarise,
)

WORLDS = "scorecard.csv"
SUMMARY = "scorecard_summary.csv"
PAGE = "scorecard.md"
PICTURE = "scorecard.png"

_HEADINGS: dict[Kind, str] = {
    "exact": "Counts and sums that must equal the truth",
    "figure": "Published figures; of those with an interval how often it holds the truth, and its width by all conversions",
    "naive": "Naive readings, which the product warns of",
    "bounds": "Bounds: how often they hold the truth, and their width by all conversions",
    "interval": "Intervals, which hold it in 93 to 97 % of worlds, and their width by all conversions",
    "resampled": "Intervals by resampling people: how often they hold the mean credit of all worlds",
    "verdict": "Verdicts: how often 1 was said, less the share of worlds in which 1 is true",
}


def read_scores(path: Path) -> list[Score]:
    """The rows of a `scorecard.csv`, none if there is no such file. `ValueError` names the line that is damaged."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        try:
            return [_score(row) for row in reader]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {reader.line_num}: not a row of a scorecard: {error}") from None


def _score(row: Mapping[str, str]) -> Score:
    return Score(
        code_version=row["code_version"],
        size=row["size"],
        regime=row["regime"],
        seed=int(row["seed"]),
        conversions=int(row["conversions"]),
        estimate_id=row["estimate_id"],
        scope=row["scope"],
        value=_optional(row["value"]),
        truth=float(row["truth"]),
        lower=_optional(row["lower"]),
        upper=_optional(row["upper"]),
    )


def _optional(text: str) -> float | None:
    return float(text) if text else None


def append_scores(path: Path, scores: Iterable[Score]) -> None:
    """Append a world's rows in one write, so that a run that is killed leaves whole worlds."""
    text = _csv(scores) if path.exists() else _csv(scores, header=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def _csv(rows: Iterable[Score] | Iterable[Summary], *, header: bool = False) -> str:
    text = io.StringIO()
    for row in rows:
        values = dataclasses.asdict(row)
        writer = csv.DictWriter(text, list(values), lineterminator="\n")
        if header:
            writer.writeheader()
            header = False
        writer.writerow(
            {name: f"{value:.10g}" if isinstance(value, float) else value for name, value in values.items()}
        )
    return text.getvalue()


@dataclasses.dataclass(frozen=True)
class Section:
    """A block of the page and of the picture: a row for each estimate and scope, a column for each regime."""

    title: str
    shows: Literal["bias", "tau", "coverage"]
    labels: list[str]
    rows: list[list[Summary | None]]


def sections(summaries: Sequence[Summary], regimes: Sequence[str]) -> list[Section]:
    """The summaries by kind of estimate; the single scopes of an order are left out, tau stands for them."""
    by_place = {(summary.estimate_id, summary.scope, summary.regime): summary for summary in summaries}
    scopes: dict[str, set[str]] = {}
    for summary in summaries:
        scopes.setdefault(summary.estimate_id, set()).add(summary.scope)
    found = []
    for kind, title in _HEADINGS.items():
        for order in (False, True):
            places = [
                (estimate, scope)
                for estimate in ESTIMATES.values()
                if estimate.kind == kind
                for scope in sorted(scopes.get(estimate.estimate_id, set()), key=lambda scope: (scope != ALL, scope))
                if (scope == RANK) == order and (scope in (ALL, RANK) or estimate.claims == "numbers")
            ]
            if places:
                found.append(
                    Section(
                        title=f"{title}: order of the channels (Kendall's tau)" if order else title,
                        shows="tau" if order else "coverage" if kind in COVERAGE else "bias",
                        labels=[one.text + (f", {scope}" if scope not in (ALL, RANK) else "") for one, scope in places],
                        rows=[
                            [by_place.get((estimate.estimate_id, scope, regime)) for regime in regimes]
                            for estimate, scope in places
                        ],
                    )
                )
    return found


def write_report(
    folder: Path, scores: Sequence[Score], regimes: Mapping[str, Mapping[str, object]], about: str
) -> list[Claim]:
    """Write summary, page and picture of the worlds of one size and code version; returns the acceptance.

    `regimes` are all there are, with what each changes of the base world, in the order of the columns; one without a
    world has none. `about` says how the worlds were made.
    """
    summaries = summarise(scores)
    (folder / SUMMARY).write_text(_csv(summaries, header=True), encoding="utf-8")
    claims = acceptance(summaries, list(regimes))
    shown = [regime for regime in regimes if any(summary.regime == regime for summary in summaries)]
    blocks = sections(summaries, shown)
    page = _page(blocks, {regime: regimes[regime] for regime in shown}, claims, about)
    (folder / PAGE).write_text(page, encoding="utf-8")
    _draw(blocks, shown, about, folder / PICTURE)
    return claims


def _page(
    blocks: Sequence[Section], regimes: Mapping[str, Mapping[str, object]], claims: Sequence[Claim], about: str
) -> str:
    marks = {True: "holds", False: "**does not hold**", None: "not judged"}
    lines = [
        "# Scorecard",
        "",
        about,
        "",
        "A cell is the relative bias, that is the mean error by the mean truth, or the value and 0 where the truth is 0. "
        f"**Bold** is a visible failure: wrong, beyond two standard errors of these worlds, by more than "
        f"{VISIBLE_BIAS:.0%} of the truth, or by {VISIBLE_FALSE_SHARE:.0%} of all conversions where the truth is 0, or a "
        f"tau below {VISIBLE_TAU}. `{SUMMARY}` has errors, coverage and widths, `{WORLDS}` every world.",
    ]
    for block in blocks:
        lines += ["", f"## {block.title}", "", _line("", *regimes), _line(*["---"] * (len(regimes) + 1))]
        lines += [
            _line(label, *(_marked(summary) for summary in row))
            for label, row in zip(block.labels, block.rows, strict=True)
        ]
    lines += ["", "## Acceptance", "", *(f"- {marks[claim.holds]}: {claim.text}" for claim in claims)]
    lines += ["", "## What each regime changes of the base world", ""]
    lines += [
        f"- {name}: " + (", ".join(f"`{parameter}` {value}" for parameter, value in changes.items()) or "nothing")
        for name, changes in regimes.items()
    ]
    return "\n".join([*lines, ""])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(summary: Summary | None) -> str:
    if summary is None:
        return ""
    return f"**{summary}**" if summary.fails else str(summary)


_COLOURS = {
    # Red claims too much, blue too little.
    "bias": (["#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b"], -1.0, 1.0),
    "tau": (["#b2182b", "#f4a582", "#f7f7f7", "#b8e186", "#4d9221"], 0.0, 1.0),
    "coverage": (["#b2182b", "#f4a582", "#f7f7f7", "#b8e186", "#4d9221"], 0.8, 1.0),
}


def _draw(blocks: Sequence[Section], regimes: Sequence[str], about: str, path: Path) -> None:
    """The sections as tables under each other, each cell with its finding and in its colour."""
    heights = [len(block.rows) + 1.8 for block in blocks]
    figure = Figure(figsize=(4.6 + 1.05 * len(regimes), 0.27 * sum(heights) + 1.2), layout="constrained")
    axes = figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, block in zip(axes, blocks, strict=True):
        colours, lowest, highest = _COLOURS[block.shows]
        shades = [[_shade(summary, block) for summary in row] for row in block.rows]
        colour_map = LinearSegmentedColormap.from_list(block.shows, colours).with_extremes(bad="#e5e5e5")
        axis.imshow(shades, cmap=colour_map, vmin=lowest, vmax=highest, aspect="auto")
        for y, x in product(range(len(block.labels)), range(len(regimes))):
            summary = block.rows[y][x]
            if summary is not None:
                is_dark = abs(shades[y][x] - (lowest + highest) / 2) > 0.4 * (highest - lowest)
                weight = "bold" if summary.fails else "normal"
                colour = "white" if is_dark else "black"
                finding = str(summary).replace("covers ", "").replace(", width", ",")
                axis.text(x, y, finding, ha="center", va="center", fontsize=7.5, weight=weight, color=colour)
        axis.set_title(block.title, loc="left", fontsize=9.5, weight="bold")
        axis.set_yticks(range(len(block.labels)), block.labels, fontsize=8)
        axis.set_xticks(range(len(regimes)), [name.replace("_", "\n") for name in regimes], fontsize=7.5)
        axis.tick_params(length=0)
        axis.set_xticks([x + 0.5 for x in range(len(regimes) - 1)], minor=True)
        axis.set_yticks([y + 0.5 for y in range(len(block.labels) - 1)], minor=True)
        axis.grid(which="minor", color="white", linewidth=1.5)
        axis.tick_params(which="minor", length=0)
        axis.spines[:].set_visible(False)
    figure.suptitle("How far the figures are from the truth", x=0.01, ha="left", fontsize=13, weight="bold")
    figure.supxlabel(about, x=0.01, ha="left", fontsize=7.5)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _shade(summary: Summary | None, block: Section) -> float:
    """Where a cell lies on its colour scale; not a number where there is nothing to show."""
    if summary is None:
        return math.nan
    if block.shows == "coverage":
        return math.nan if summary.coverage is None else summary.coverage
    if summary.value_mean is None:
        return math.nan
    if block.shows == "tau":
        return summary.value_mean
    # Where the truth is 0, any visible claim is infinitely too much.
    return float(summary.fails) if summary.relative_bias is None else summary.relative_bias
