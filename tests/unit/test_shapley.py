"""Values of the rate game against known answers, all orders of arrival, and the laws of Shapley."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.measurement.resampling import Floats
from orchestration.measurement.shapley import RateGame, rate_game
from tests.unit.attribution_oracles import PathJourneys, read_answers, read_paths

Rows = list[tuple[frozenset[int], int, int]]
"""Channels met, journeys, and how many of them converted."""
rows_of_four = st.lists(
    st.tuples(st.frozensets(st.integers(0, 3), min_size=1), st.integers(1, 9), st.integers(0, 9)).map(
        lambda row: (row[0], row[1] + row[2], row[2])
    ),
    min_size=1,
    max_size=10,
)
few = settings(max_examples=40)


def played(rows: Rows, channels: int = 4) -> RateGame:
    return rate_game([row[0] for row in rows], *np.array([row[1:] for row in rows], float).T, channels)


def rate_within(rows: Rows, met: frozenset[int]) -> float:
    inside = [row for row in rows if row[0] <= met]
    journeys = sum(row[1] for row in inside)
    return sum(row[2] for row in inside) / journeys if journeys else 0.0


def by_orders_of_arrival(rows: Rows, channels: int) -> Floats:
    """The definition: what a channel adds on arrival, averaged over all orders in which channels arrive."""
    values = np.zeros(channels)
    orders = list(permutations(range(channels)))
    for order in orders:
        for place, channel in enumerate(order):
            before = frozenset(order[:place])
            values[channel] += rate_within(rows, before | {channel}) - rate_within(rows, before)
    return values / len(orders)


def rows_of(paths: tuple[PathJourneys, ...]) -> tuple[Rows, list[str]]:
    names = sorted({channel for path in paths for channel in path.channels})
    return [
        (frozenset(names.index(c) for c in path.channels), path.converted + path.not_converted, path.converted)
        for path in paths
    ], names


@pytest.mark.parametrize("name", ["tiny", "loops"])
def test_values_of_small_worlds_are_exact_and_those_below_nothing_stay(oracles: Path, name: str) -> None:
    rows, names = rows_of(read_paths(oracles, name))
    found = dict(zip(names, played(rows, len(names)).values.tolist(), strict=True))
    assert found == pytest.approx(read_answers(oracles, name)["shapley_rate"]["phi"], abs=1e-12)
    assert min(found.values()) < 0


@few
@given(rows_of_four)
def test_values_are_those_of_all_orders_of_arrival(rows: Rows) -> None:
    assert played(rows).values == pytest.approx(by_orders_of_arrival(rows, 4), abs=1e-12)


@few
@given(rows_of_four)
def test_values_add_up_to_the_rate_of_all_journeys(rows: Rows) -> None:
    assert played(rows).values.sum() == pytest.approx(rate_within(rows, frozenset(range(4))), abs=1e-12)


@few
@given(rows_of_four)
def test_a_channel_that_no_journey_met_is_worth_nothing(rows: Rows) -> None:
    assert played(rows, 5).values[4] == pytest.approx(0, abs=1e-12)


@few
@given(rows_of_four, st.permutations(range(4)))
def test_renamed_channels_keep_their_values(rows: Rows, names: list[int]) -> None:
    renamed = [(frozenset(names[channel] for channel in met), *counts) for met, *counts in rows]
    assert played(renamed).values[names] == pytest.approx(played(rows).values, abs=1e-12)


@few
@given(rows_of_four, st.integers(2, 50))
def test_as_many_journeys_again_change_nothing(rows: Rows, times: int) -> None:
    more = [(met, journeys * times, converted * times) for met, journeys, converted in rows]
    assert played(more).values == pytest.approx(played(rows).values, abs=1e-12)


@few
@given(rows_of_four)
def test_derivatives_are_those_of_the_values(rows: Rows) -> None:
    whole = played(rows)
    journeys, converted = np.array([row[1:] for row in rows], float).T
    amount = 1e-6
    converted[0] += amount
    journeys[0] += amount
    moved = rate_game([row[0] for row in rows], journeys, converted, 4).values
    slope = (moved - whole.values) / amount
    assert whole.by_conversion[0] + whole.by_journey[0] == pytest.approx(slope, abs=1e-5)


def test_twelve_channels_are_weighed_and_thirteen_refused() -> None:
    rows = [(frozenset({channel}), 2, 1) for channel in range(12)]
    assert played(rows, 12).values == pytest.approx(1 / 24)
    with pytest.raises(ValueError, match="13 channels; the rate game is solved for 12 at most"):
        played(rows, 13)


def test_a_set_is_worth_all_journeys_inside_it_and_not_those_with_exactly_its_channels(oracles: Path) -> None:
    """Defect of a package: the value of a set is that of journeys with exactly these channels."""
    rows, names = rows_of(read_paths(oracles, "loops"))
    exact = read_answers(oracles, "loops")["mam_2_1_1"]["shapley_None_conv_rate"]
    rate = played(rows, len(names)).values
    found = dict(zip(names, 16 * rate / rate.sum(), strict=True))
    assert abs(found["A"] - exact["A"]) > 1


def test_a_channel_late_in_the_alphabet_or_the_path_is_not_left_out() -> None:
    """Defect of a package: of A>B>C>D>E only the alphabetically last four channels get anything."""
    values = played([(frozenset(range(5)), 10, 10)], 5).values
    assert values == pytest.approx(np.full(5, 0.2))
