"""Journeys with known answers, and their chain."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from orchestration.measurement.markov import START, Chain, State


@dataclass(frozen=True)
class PathJourneys:
    """What happened to all journeys along one path."""

    channels: tuple[str, ...]
    converted: int
    not_converted: int
    value: float = 0.0


NINE = tuple(PathJourneys(tuple(path), 1, 0) for path in ("A", "AB", "ABC", "B", "BA", "BCA", "C", "CA", "CBA"))
LOOPED = tuple(PathJourneys(tuple(path), 1, 0) for path in ("ABABBA", "ABBAA", "AA"))


def read_paths(folder: Path, name: str) -> tuple[PathJourneys, ...]:
    """`tiny`, `loops` or `pathdata`."""
    file = folder / ("pathdata/paths.csv" if name == "pathdata" else f"sci_attribution/{name}.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    # The two files order their last columns differently.
    order = (1, 3, 2) if name == "pathdata" else (1, 2, 3)
    return tuple(
        PathJourneys(tuple(row[0].split(" > ")), int(row[order[0]]), int(row[order[1]]), float(row[order[2]]))
        for row in rows
    )


def read_answers(folder: Path, name: str) -> dict[str, Any]:
    """The answers to `tiny` or `loops`."""
    answers: dict[str, Any] = json.loads((folder / "sci_attribution/oracles.json").read_text(encoding="utf-8"))
    return dict(answers[name])


def read_expected(folder: Path) -> dict[str, dict[str, float]]:
    """The answers to `pathdata`, by channel and column."""
    with (folder / "pathdata/expected.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["channel"]: {name: float(text) for name, text in row.items() if name != "channel"}
            for row in csv.DictReader(lines)
        }


def chain_of_paths(paths: Iterable[PathJourneys], order: int, *, value: bool = False, padded: bool = False) -> Chain:
    """The chain whose states are the last `order` channels, counted apart from the SQL that counts them.

    Padded, a state has as many places from the first touch on, the early ones empty.
    """
    places: dict[State, int] = {START: 0}
    counts: dict[tuple[int, int], float] = {}
    rewards: dict[tuple[int, int], float] = {}
    for path in paths:
        touches = ("",) * (order - 1 if padded else 0) + path.channels
        ends = [place + len(touches) - len(path.channels) for place in range(1, len(path.channels) + 1)]
        visited = [0, *(places.setdefault(touches[max(0, end - order) : end], len(places)) for end in ends)]
        for step in zip(visited, [*visited[1:], -1], strict=True):
            counts[step] = counts.get(step, 0) + path.converted + path.not_converted
        rewards[step] = rewards.get(step, 0) + (path.value if value else path.converted)
    source, target = np.array(list(counts)).T
    reward = [rewards.get(step, 0) for step in counts]
    return Chain(tuple(places), source, target, np.array(list(counts.values()), float), np.array(reward, float))
