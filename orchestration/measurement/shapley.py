"""The Shapley value of the rate game: what channels add to the rate at which journeys convert.

The value of a set of channels is the rate among the journeys that met none but these. It is the only one of the games
here that contrasts journeys which convert with others that do not, so a channel may get less than nothing; that is
published as it is. (In the sum game a set is worth the conversions of journeys inside it. Its value has a closed form,
equal shares over the distinct channels of each converted journey: Zhao, Mahboobi and Bagheri 2018, arXiv:1804.05327.
SQL computes it.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from orchestration.measurement.resampling import Floats, sums_at

MOST_CHANNELS = 12


@dataclass(frozen=True)
class RateGame:
    """Shapley values, in the order of the channels; they add up to the rate of all journeys."""

    values: Floats
    by_conversion: Floats
    """What one conversion of a journey with each set adds to each value, (sets, channels), to first order."""
    by_journey: Floats
    """What one such journey adds, converted or not, (sets, channels)."""


def rate_game(sets: Sequence[frozenset[int]], journeys: Floats, conversions: Floats, channels: int) -> RateGame:
    """Values of channels 0 to `channels` - 1 from journeys and their conversions by the set of channels met.

    All 2^channels sets are weighed, so at most 12 channels: `ValueError` beyond. A set that no journey stayed inside is
    worth nothing.
    """
    if channels > MOST_CHANNELS:
        raise ValueError(f"{channels} channels; the rate game is solved for {MOST_CHANNELS} at most")
    size = 1 << channels
    masks = np.array([sum(1 << channel for channel in members) for members in sets], dtype=np.int64)
    inside = _sums_over_subsets(sums_at(masks, journeys, size), channels)
    converted = _sums_over_subsets(sums_at(masks, conversions, size), channels)
    rate = np.divide(converted, inside, out=np.zeros(size), where=inside > 0)

    sizes = np.array([mask.bit_count() for mask in range(size)])
    ways = np.array([factorial(n) * factorial(channels - n - 1) for n in range(channels)]) / factorial(channels)
    holds = (np.arange(size) >> np.arange(channels)[:, None] & 1).astype(bool)
    weights = np.where(holds, ways[np.maximum(sizes - 1, 0)], -ways[np.minimum(sizes, channels - 1)])
    # A journey counts in every set that holds all that it met.
    by_rate = np.divide(weights, inside, out=np.zeros_like(weights), where=inside > 0)
    by_conversion = _sums_over_supersets(by_rate, channels)[:, masks].T
    by_journey = -_sums_over_supersets(by_rate * rate, channels)[:, masks].T
    return RateGame(weights @ rate, by_conversion, by_journey)


def _sums_over_subsets(amounts: Floats, channels: int) -> Floats:
    """Over the sets, which the last axis counts as binary numbers."""
    sums = np.array(amounts, dtype=np.float64, order="C")
    for channel in range(channels):
        by_channel = sums.reshape(-1, 2, 1 << channel)
        by_channel[:, 1] += by_channel[:, 0]
    return sums


def _sums_over_supersets(amounts: Floats, channels: int) -> Floats:
    return _sums_over_subsets(amounts[..., ::-1], channels)[..., ::-1]
