"""What Markov chains and Shapley values credit to channels, by month and over the whole range, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from orchestration.measurement import markov, shapley
from orchestration.measurement.held_out import foresight
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.resampling import GROUPS, Floats, deviations, split_scores, sums_at

LEAST_VISITS = 20
"""Fewer journeys through a state say too little about what follows it."""
DIRECT = "(direct)"
NOT_CONVERTED = "(not converted)"
"""The kind of journeys that ended without a conversion; they stand beside those of each kind."""
ONLY_WHOLE_RANGE = "resampled_over_whole_range_only"
NO_VERDICT = {"order_verdict": None, "held_out_loss": None, "held_out_journey_count": None}
"""Of months, of revenue, and of models without an order."""
WHOLE_RANGE = None
"""The month of what is not told apart by month."""
DIGITS = 1000
"""States are numbers whose digits, three each, are those of their channels, the last channel last; 0 is start and end."""

Rows = Mapping[str, npt.NDArray[Any]]
"""Columns of one length."""


@dataclass(frozen=True)
class Steps:
    """How often the steps between states were made, and what those that ended a journey brought.

    `source` and `target` are places in `states`, of which the first stands for start and end alike. Amounts are
    (groups of people, steps); where people are not told apart they are one group.
    """

    states: tuple[markov.State, ...]
    source: markov.Places
    target: markov.Places
    count: Floats
    rewards: Mapping[str, Floats]
    """By basis: conversions, or their value."""


@dataclass(frozen=True)
class Journeys:
    """The journeys of one configuration, kind and period."""

    met: Rows
    """A row for a channel, whether nothing but direct visits was met, and a group of people."""
    sets: Rows
    """A row for a set of channels, and over the whole range for a group of people."""
    channel_steps: Steps
    """Between states of one channel, by group of people."""
    state_steps: Steps
    """Between states of several channels; by group of people over the whole range, not by month."""
    is_whole_range: bool

    def linked(self) -> Rows:
        """Rows of `met` of journeys in which a channel can be told."""
        return _where(self.met, ~self.met["is_direct_only"])

    def by_group(self, basis: str, *, direct_only: bool) -> Floats:
        """What journeys with nothing but direct visits brought, or all others, (groups,)."""
        these = self.met["is_converted"] & (self.met["is_direct_only"] == direct_only)
        begun = self.met["begun_journey_count" if basis == "count" else "begun_value_amount"]
        return sums_at(self.met["person_group"][these], begun[these], GROUPS)


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
    for configuration, kind, month, journeys in _journeys(transitions, participation, sets):
        configured = models[models.path_configuration_id == configuration]
        verdicts = _verdicts(journeys, configured.markov_order.dropna().astype(int).tolist())
        for model in configured.itertuples():
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
                            **(verdicts.get(model.markov_order, NO_VERDICT) if basis == "count" else NO_VERDICT),
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
) -> Iterator[tuple[str, str, Any, Journeys]]:
    """Configuration, kind and month: the whole range, and every month in which somebody converted."""
    by_group = participation[participation.person_group.notna()]
    channel_names = dict(zip(by_group.channel_number, by_group.channel_id, strict=True))
    if len(channel_names) >= DIGITS:
        raise ValueError(f"{len(channel_names)} channels; a state names {DIGITS - 1} at most")
    all_met, all_steps, all_sets = (_rows(frame) for frame in (by_group, transitions, sets))
    kinds = by_group[["path_configuration_id", "conversion_kind", "kind_number"]].drop_duplicates()
    for configuration, names in kinds.groupby("path_configuration_id"):
        numbers = dict(zip(names.conversion_kind, names.kind_number, strict=True))
        without = numbers.pop(NOT_CONVERTED, -1)
        for kind, number in sorted(numbers.items()):
            met, steps, met_sets = (_of_kind(rows, number, without) for rows in (all_met, all_steps, all_sets))
            between_channels, by_month, between_states = _readings(steps, channel_names)
            met_by_month, sets_by_month = _by_month(met), _by_month(met_sets)
            sets_of_groups = sets_by_month.pop(WHOLE_RANGE, _where(met_sets, slice(0)))
            whole_range = Journeys(met, sets_of_groups, between_channels.of(), between_states.of(), is_whole_range=True)
            yield str(configuration), str(kind), None, whole_range
            for month in np.unique(met["month_date"][met["is_converted"]]).tolist():
                journeys = Journeys(
                    met_by_month[month],
                    sets_by_month.get(month, _where(met_sets, slice(0))),
                    between_channels.of(month),
                    by_month.of(month),
                    is_whole_range=False,
                )
                yield str(configuration), str(kind), month, journeys


@dataclass(frozen=True)
class Reading:
    """Rows of steps between states, each with its place among the distinct steps."""

    states: tuple[markov.State, ...]
    source: markov.Places
    target: markov.Places
    rows: Rows
    rows_by_month: Mapping[Any, Rows]
    has_groups: bool

    def of(self, month: Any = None) -> Steps:
        """The steps made in a month, or in all."""
        rows = self.rows if month is None else self.rows_by_month.get(month, _where(self.rows, slice(0)))
        made, step = np.unique(rows["step"], return_inverse=True)
        groups = GROUPS if self.has_groups else 1
        cells = step + len(made) * rows["person_group"] if self.has_groups else step
        size = (groups, len(made))

        def amounts(column: str, these: npt.NDArray[np.bool_] | slice = slice(None)) -> Floats:
            return sums_at(cells[these], rows[column][these], groups * len(made)).reshape(size)

        won = rows["is_converted"] & (self.target[rows["step"]] == 0)
        return Steps(
            self.states,
            self.source[made],
            self.target[made],
            amounts("step_count"),
            {"count": amounts("step_count", won), "value": amounts("value_amount", won)},
        )


def _readings(steps: Rows, channels: Mapping[int, str]) -> tuple[Reading, Reading, Reading]:
    """Between channels by group and month, between states by month, and between states by group."""
    has_group, has_month = steps["person_group"] >= 0, ~np.isnat(steps["month_date"])
    readings = []
    for these in (has_group & has_month, ~has_group, ~has_month):
        rows = _where(steps, these)
        ends = np.concatenate([[0], rows["from_state"], rows["to_state"]])
        numbers, places = np.unique(ends, return_inverse=True)
        source, target = np.split(places[1:], 2)
        made, step = np.unique(source * len(numbers) + target, return_inverse=True)
        states = tuple(_state(number, channels) for number in numbers.tolist())
        rows = {**rows, "step": step}
        readings.append(
            Reading(
                states,
                made // len(numbers),
                made % len(numbers),
                rows,
                _by_month(rows),
                has_groups=bool(has_group[these].all()),
            )
        )
    return readings[0], readings[1], readings[2]


def _state(number: int, channels: Mapping[int, str]) -> markov.State:
    """The channels of a state; none for 0."""
    before, last = divmod(number, DIGITS)
    return (*_state(before, channels), channels[last]) if number else ()


def _rows(frame: pd.DataFrame) -> Rows:
    rows: dict[str, npt.NDArray[Any]] = {name: frame[name].to_numpy() for name in frame.columns}
    rows["person_group"] = frame.person_group.fillna(-1).to_numpy(np.int64)
    return rows


def _of_kind(rows: Rows, number: int, without: int) -> Rows:
    is_converted = rows["kind_number"] == number
    return _where({**rows, "is_converted": is_converted}, is_converted | (rows["kind_number"] == without))


def _by_month(rows: Rows) -> dict[Any, Rows]:
    order = np.argsort(rows["month_date"], kind="stable")
    months, starts = np.unique(rows["month_date"][order], return_index=True)
    parts = np.split(order, starts[1:])
    return {
        WHOLE_RANGE if np.isnat(month) else month.item(): _where(rows, part)
        for month, part in zip(months, parts, strict=True)
    }


def _where(rows: Rows, holds: npt.NDArray[Any] | slice) -> Rows:
    return {name: column[holds] for name, column in rows.items()}


def _figures(
    journeys: Journeys, model: Any, basis: str, split: Split | None
) -> Iterator[tuple[dict[str, Any], Floats]]:
    """Each channel's figures, and what each group of people adds to its share."""
    linked = journeys.by_group(basis, direct_only=False)
    direct = journeys.by_group(basis, direct_only=True)
    touched = float(linked.sum() + direct.sum())
    if touched <= 0:
        return
    met = journeys.linked()
    number, names = pd.factorize(met["channel_id"])
    code_of = {str(name): code for code, name in enumerate(names)}
    converted = met["is_converted"]
    counts = [
        sums_at(number, np.where(these, met["journey_count"], 0), len(names)) for these in (converted, ~converted)
    ]
    amounts = met["journey_count" if basis == "count" else "value_amount"]
    brought = sums_at(number, np.where(converted, amounts, 0), len(names))
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
        code = code_of.get(channel)
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


def _verdicts(journeys: Journeys, orders: list[int]) -> dict[int, dict[str, Any]]:
    """By order: whether the journeys of the whole range support it, by what it foresees of people left out."""
    steps = journeys.state_steps
    if not orders or not journeys.is_whole_range or not steps.count.any():
        return {}
    found = foresight(
        steps.states, steps.source, steps.target, steps.count, steps.rewards["count"], orders, LEAST_VISITS
    )
    return {
        order: {
            "order_verdict": (
                "not_enough_data"
                if found.supported is None
                else "supported"
                if order == found.supported
                else "not_supported"
            ),
            "held_out_loss": found.losses[order],
            "held_out_journey_count": found.journeys,
        }
        for order in orders
    }


def _markov(journeys: Journeys, order: int, bases: list[str]) -> Iterator[Split | None]:
    steps = journeys.channel_steps if order == 1 else journeys.state_steps
    count = steps.count.sum(axis=0)
    visits = sums_at(steps.target, count, len(steps.states)).tolist()
    shorter = markov.shortened(
        {state: visit for state, visit in zip(steps.states, visits, strict=True) if state and visit},
        order,
        LEAST_VISITS,
    )
    states = (markov.START, *sorted(set(shorter.values())))
    places = {state: place for place, state in enumerate(states)}
    # States that this period does not visit are in none of its steps.
    place_of = np.array([places.get(shorter.get(state, ()), 0) for state in steps.states])
    source, target = place_of[steps.source], np.where(steps.target == 0, -1, place_of[steps.target])
    walks = None
    for basis in bases:
        rewards = steps.rewards[basis]
        if rewards.sum() <= 0:
            yield None
            continue
        chain, step_of = markov.chain_of(states, source, target, count, rewards.sum(axis=0))
        walks = walks or markov.walks_of(chain)
        removal = markov.removal_effects(chain, walks)
        assert removal is not None
        scores = None
        if len(steps.count) == GROUPS:
            merged = csr_array((np.ones(len(step_of)), (np.arange(len(step_of)), step_of)))
            scores = removal.credit_scores(steps.count @ merged, rewards @ merged)
        yield Split(removal.channels, removal.effects, removal.base, scores, len(states) - 1)


def _sum_game(journeys: Journeys, basis: str) -> Split:
    """Every journey's conversions in equal parts to its distinct channels: the closed form of Zhao and others 2018."""
    met = journeys.linked()
    channel, channels = pd.factorize(met["channel_id"], sort=True)
    parts = met["shared_journey_count" if basis == "count" else "shared_value_amount"]
    size = (GROUPS, len(channels))
    scores = sums_at(
        met["person_group"] * len(channels) + channel, np.where(met["is_converted"], parts, 0), GROUPS * len(channels)
    ).reshape(size)
    return Split(
        tuple(channels), scores.sum(axis=0), float(scores.sum()) / float(met["begun_journey_count"].sum()), scores
    )


def _rate_game(journeys: Journeys, linked: Floats) -> Split:
    rows = journeys.sets
    set_of_row, names = pd.factorize(rows["channel_set"], sort=True)
    members = [tuple(name.split(" > ")) for name in names]
    channels = tuple(sorted({channel for set_ in members for channel in set_}))
    sets = [frozenset(channels.index(channel) for channel in set_) for set_ in members]
    counts = rows["journey_count"].astype(np.float64)
    conversions = np.where(rows["is_converted"], counts, 0.0)
    game = shapley.rate_game(
        sets, sums_at(set_of_row, counts, len(sets)), sums_at(set_of_row, conversions, len(sets)), len(channels)
    )
    scores = None
    if journeys.is_whole_range:
        cells = rows["person_group"] * len(sets) + set_of_row
        moved = sum(
            sums_at(cells, amounts, GROUPS * len(sets)).reshape(GROUPS, len(sets)) @ derivative
            for amounts, derivative in ((conversions, game.by_conversion), (counts, game.by_journey))
        )
        scores = split_scores(float(linked.sum()), linked, game.values, np.asarray(moved))
    return Split(channels, game.values, float(game.values.sum()), scores)


COLUMNS = (
    "path_configuration_id",
    "conversion_kind",
    "attribution_model_id",
    "channel_id",
    "basis",
    "interval_reason",
    "order_verdict",
    "effect",
    "base",
    "participation_share",
    "held_out_loss",
    "state_count",
    "converted_count",
    "not_converted_count",
    "held_out_journey_count",
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
