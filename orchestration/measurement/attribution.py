"""What Markov chains and Shapley values credit to channels, by month and over the whole range, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.measurement import markov, shapley
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.resampling import GROUPS, Floats, deviations, split_scores, sums_at

LEAST_VISITS = 20
"""Fewer journeys through a state say too little about what follows it."""
DIRECT = "(direct)"
ONLY_WHOLE_RANGE = "resampled_over_whole_range_only"
GROUP_NUMBERS = {f"{2 * group + 1:02x}": group for group in range(GROUPS)}
"""The names that the macro `person_group` gives."""

READINGS = {"channels": 0, "states_by_month": 1, "states_by_group": 2}

Rows = Mapping[str, npt.NDArray[Any]]
"""Columns of one length; channels, states and sets are places in the names of `Names`."""


@dataclass(frozen=True)
class Names:
    """What the codes of one configuration and kind stand for."""

    channels: list[str]
    states: list[markov.State]
    sets: list[tuple[str, ...]]


@dataclass(frozen=True)
class Journeys:
    """The journeys of one configuration, kind and period."""

    names: Names
    met: Rows
    """A row for a channel, its position in the path, the path's distinct channels and a group of people."""
    steps: Rows
    sets: Rows
    is_whole_range: bool

    def brought(self, basis: str) -> Floats:
        """By row of `met`: conversions, or their value."""
        amounts: Floats = self.met["converted_count" if basis == "count" else "value_amount"].astype(np.float64)
        return amounts

    def by_group(self, basis: str, *, direct_only: bool) -> Floats:
        """What journeys with nothing but direct visits brought, or all others, (groups,)."""
        first = (self.met["channel_position"] == 1) & (self.met["is_direct_only"] == direct_only)
        return sums_at(self.met["person_group"][first], self.brought(basis)[first], GROUPS)


@dataclass(frozen=True)
class Split:
    """In which proportion channels share what linked conversions brought."""

    channels: tuple[str, ...]
    effects: Floats
    base: float
    scores: Floats | None
    """What each group of people adds to each credit, (groups, channels); None where people are not told apart."""
    state_count: int | None = None


def measured_credits(
    transitions: pd.DataFrame, participation: pd.DataFrame, sets: pd.DataFrame, models: pd.DataFrame
) -> pd.DataFrame:
    """One row per configuration, kind, period, model, basis and channel; the whole range has no month.

    A credit share is a part of what conversions with any touch brought; those with nothing but direct visits before
    them are the channel (direct)'s whatever the model. Deviations are parts of the same: the interval less the share.
    """
    figures: list[dict[str, Any]] = []
    scores: list[Floats] = []
    for (configuration, kind), months in _journeys(transitions, participation, sets):
        for month, journeys in months:
            for model in models[models.path_configuration_id == configuration].itertuples():
                bases = str(model.basis).split(" and ")
                for basis, split in zip(bases, _splits(journeys, model, bases), strict=True):
                    for figure, score in _figures(journeys, model, basis, split):
                        figures.append(
                            {
                                "path_configuration_id": configuration,
                                "conversion_kind": kind,
                                "month_date": month,
                                "attribution_model_id": model.model_id,
                                "basis": basis,
                                **figure,
                            }
                        )
                        scores.append(score)
    low, high = deviations(np.array(scores).reshape(-1, GROUPS).T)
    for figure, below, above in zip(figures, low.tolist(), high.tolist(), strict=True):
        is_resampled = figure["interval_reason"] is None
        figure["low_deviation"] = max(below, figure.pop("lowest_deviation")) if is_resampled else None
        figure["high_deviation"] = above if is_resampled else None
    return pd.DataFrame(figures, columns=list(COLUMNS))


def _journeys(
    transitions: pd.DataFrame, participation: pd.DataFrame, sets: pd.DataFrame
) -> Iterator[tuple[tuple[str, str], Iterator[tuple[Any, Journeys]]]]:
    """By configuration and kind: the whole range, and every month in which somebody converted."""
    key = ["path_configuration_id", "conversion_kind"]
    by_kind = [dict(list(frame.groupby(key))) for frame in (transitions, sets)]
    for kind, met in participation.groupby(key):
        steps, groups = (
            frames.get(kind, frame.iloc[:0]) for frames, frame in zip(by_kind, (transitions, sets), strict=True)
        )
        codes, states = pd.factorize(pd.concat([steps.from_state, steps.to_state]))
        source, target = np.split(codes, 2)
        channel, channels = pd.factorize(met.channel_id)
        channel_set, names = pd.factorize(groups.channel_set)
        yield (
            kind,
            _months(
                Names(
                    list(channels), [_channels_of(state) for state in states], [_channels_of(name) for name in names]
                ),
                _rows(met, channel=channel),
                _rows(steps, source=source, target=target, reading=steps.reading.map(READINGS).to_numpy(np.int64)),
                _rows(groups, channel_set=channel_set),
            ),
        )


def _months(names: Names, met: Rows, steps: Rows, sets: Rows) -> Iterator[tuple[Any, Journeys]]:
    yield (
        None,
        Journeys(
            names,
            met,
            _where(steps, steps["reading"] != READINGS["states_by_month"]),
            _where(sets, np.isnat(sets["month_date"])),
            is_whole_range=True,
        ),
    )
    for month in np.unique(met["month_date"][met["converted_count"] > 0]):
        met_in_month, steps_in_month, sets_in_month = (
            _where(rows, rows["month_date"] == month) for rows in (met, steps, sets)
        )
        yield month, Journeys(names, met_in_month, steps_in_month, sets_in_month, is_whole_range=False)


def _rows(frame: pd.DataFrame, **coded: npt.NDArray[np.int64]) -> Rows:
    # Texts stay behind: picking rows of objects, once a month, took as long as all but the inverses.
    columns = {name: frame[name].to_numpy() for name in frame.columns if frame[name].dtype.kind in "biufM"}
    groups = frame.person_group.map(GROUP_NUMBERS).fillna(-1).to_numpy(np.int64)
    return {**columns, **coded, "person_group": groups}


def _where(rows: Rows, holds: npt.NDArray[Any]) -> Rows:
    return {name: column[holds] for name, column in rows.items()}


def _channels_of(name: str) -> tuple[str, ...]:
    return tuple(name.split(" > "))


def _figures(
    journeys: Journeys, model: Any, basis: str, split: Split | None
) -> Iterator[tuple[dict[str, Any], Floats]]:
    """Each channel's figures, and what each group of people adds to its share."""
    linked = journeys.by_group(basis, direct_only=False)
    direct = journeys.by_group(basis, direct_only=True)
    touched = float(linked.sum() + direct.sum())
    if touched <= 0:
        return
    names = journeys.names.channels
    met = _where(journeys.met, ~journeys.met["is_direct_only"].astype(bool))
    counts = [sums_at(met["channel"], met[name], len(names)) for name in ("converted_count", "not_converted_count")]
    brought = sums_at(met["channel"], journeys.brought(basis)[~journeys.met["is_direct_only"].astype(bool)], len(names))
    place_of = {channel: place for place, channel in enumerate(split.channels if split else ())}
    channels = sorted({*place_of, *([DIRECT] if direct.any() else ())})
    shares = split.effects / split.effects.sum() if split else None
    for channel in channels:
        place = place_of.get(channel)
        share, score = 0.0, np.zeros(GROUPS)
        if split and shares is not None and place is not None:
            share += float(shares[place] * linked.sum()) / touched
            score = score if split.scores is None else split.scores[:, place] / touched
        if channel == DIRECT:
            share += float(direct.sum()) / touched
            score = score + direct / touched
        code = names.index(channel) if channel in names else None
        figure = {
            "channel_id": channel,
            "effect": float(split.effects[place]) if split and place is not None else None,
            "base": split.base if split else None,
            "participation_share": (
                float(brought[code]) / float(linked.sum()) if code is not None and linked.sum() > 0 else None
            ),
            "state_count": split.state_count if split else None,
            "converted_count": int(counts[0][code]) if code is not None else None,
            "not_converted_count": int(counts[1][code]) if code is not None else None,
            "credit_share": share,
            "lowest_deviation": -np.inf if model.shapley_game == "rate" else -share,
            "interval_reason": ONLY_WHOLE_RANGE if split and split.scores is None else None,
        }
        yield figure, score


def _splits(journeys: Journeys, model: Any, bases: list[str]) -> Iterator[Split | None]:
    """By basis; None where no journey that a named channel touched brought anything."""
    if model.family == "markov":
        yield from _markov(journeys, int(model.markov_order), bases)
        return
    for basis in bases:
        linked = journeys.by_group(basis, direct_only=False)
        if linked.sum() <= 0:
            yield None
        else:
            yield _sum_game(journeys, basis) if model.shapley_game == "sum" else _rate_game(journeys, linked)


def _markov(journeys: Journeys, order: int, bases: list[str]) -> Iterator[Split | None]:
    reading = "channels" if order == 1 else "states_by_group" if journeys.is_whole_range else "states_by_month"
    steps = _where(journeys.steps, journeys.steps["reading"] == READINGS[reading])
    names = journeys.names.states
    count = steps["step_count"].astype(np.float64)
    visits = dict(zip(names, sums_at(steps["target"], count, len(names)).tolist(), strict=True))
    shorter = markov.shortened(
        {state: visit for state, visit in visits.items() if visit and state != markov.END}, order, LEAST_VISITS
    )
    states = (markov.START, *sorted(set(shorter.values())))
    places = {state: place for place, state in enumerate(states)}
    # -1 is the end; states that this period does not visit are in none of its steps.
    place_of = np.array([0 if name == markov.START else places.get(shorter.get(name, ()), -1) for name in names])
    walks = None
    for basis in bases:
        reward = steps["converted_count" if basis == "count" else "value_amount"].astype(np.float64)
        if reward.sum() <= 0:
            yield None
            continue
        chain, step_of = markov.chain_of(states, place_of[steps["source"]], place_of[steps["target"]], count, reward)
        walks = walks or markov.walks_of(chain)
        removal = markov.removal_effects(chain, walks)
        assert removal is not None
        scores = None
        if reading != "states_by_month":
            width = len(chain.count)
            cells = steps["person_group"] * width + step_of
            by_group = [sums_at(cells, amounts, GROUPS * width).reshape(GROUPS, width) for amounts in (count, reward)]
            scores = removal.credit_scores(*by_group)
        yield Split(removal.channels, removal.effects, removal.base, scores, len(states) - 1)


def _sum_game(journeys: Journeys, basis: str) -> Split:
    """Every journey's conversions in equal parts to its distinct channels: the closed form of Zhao and others 2018."""
    named = ~journeys.met["is_direct_only"].astype(bool)
    met = _where(journeys.met, named)
    width = len(journeys.names.channels)
    parts = journeys.brought(basis)[named] / met["distinct_channel_count"]
    scores = sums_at(met["person_group"] * width + met["channel"], parts, GROUPS * width).reshape(GROUPS, width)
    present = np.unique(met["channel"])
    first = _where(met, met["channel_position"] == 1)
    journey_count = float((first["converted_count"] + first["not_converted_count"]).sum())
    return Split(
        tuple(journeys.names.channels[channel] for channel in present),
        scores[:, present].sum(axis=0),
        float(scores.sum()) / journey_count,
        scores[:, present],
    )


def _rate_game(journeys: Journeys, linked: Floats) -> Split:
    rows = journeys.sets
    names = journeys.names.sets
    channels = tuple(sorted({channel for place in np.unique(rows["channel_set"]) for channel in names[place]}))
    members = [frozenset(channels.index(channel) for channel in set_ if channel in channels) for set_ in names]
    conversions = rows["converted_count"].astype(np.float64)
    counts = conversions + rows["not_converted_count"]
    sets = [members[place] for place in rows["channel_set"]]
    game = shapley.rate_game(sets, counts, conversions, len(channels))
    scores = None
    if journeys.is_whole_range:
        moved = np.zeros((GROUPS, len(channels)))
        by_row = conversions[:, None] * game.by_conversion + counts[:, None] * game.by_journey
        np.add.at(moved, rows["person_group"], by_row)
        scores = split_scores(float(linked.sum()), linked, game.values, moved)
    return Split(channels, game.values, float(game.values.sum()), scores)


COLUMNS = (
    "path_configuration_id",
    "conversion_kind",
    "attribution_model_id",
    "channel_id",
    "basis",
    "interval_reason",
    "effect",
    "base",
    "participation_share",
    "state_count",
    "converted_count",
    "not_converted_count",
    "credit_share",
    "low_deviation",
    "high_deviation",
    "month_date",
)

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement(
        "channel_effects",
        (
            "intermediate.int_path_transitions",
            "intermediate.int_channel_participation",
            "intermediate.int_channel_sets",
            "reference.measured_attribution_models",
        ),
        measured_credits,
    ),
)
