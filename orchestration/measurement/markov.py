"""Removal effects of a Markov chain over channels, by exact linear algebra.

Anderl, Becker, von Wangenheim and Schumann 2016, International Journal of Research in Marketing 33(3). A removal effect
is the part of the chain's expected result that passes through a channel. It says nothing about what would have happened
without the channel: journeys that convert are not compared with any that did not meet it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import lu_factor, lu_solve

from orchestration.measurement.resampling import Floats, split_scores, sums_at

State = tuple[str, ...]
"""The last channels of a journey, oldest first."""
Places = npt.NDArray[np.int64]

START: State = ("(start)",)
END: State = ("(end)",)
MOST_CHANNELS = 200


@dataclass(frozen=True)
class Chain:
    """Counts of the steps of journeys.

    `states[0]` is the start. Step i leads from state `source[i]` to state `target[i]`, or out where that is -1; it was
    made `count[i]` times, and the journeys that it ended brought `reward[i]`: conversions, or their value. What leads in
    equals what leads out, in every state.
    """

    states: tuple[State, ...]
    source: Places
    target: Places
    count: Floats
    reward: Floats


@dataclass(frozen=True)
class RemovalEffects:
    """Removal effects of the channels, in the order of `channels`, each from 0 to 1."""

    channels: tuple[str, ...]
    base: float
    """Expected result of one journey: conversion probability, or value per journey."""
    result: float
    """What all journeys brought together: conversions, or their value."""
    effects: Floats
    by_count: Floats
    """Derivative of each effect by each step's count, (steps, channels), its reward held as it is."""
    by_reward: Floats
    """Derivative of each effect by each step's reward, (steps, channels)."""

    @property
    def credits(self) -> Floats:
        """The result split in proportion to the effects."""
        split: Floats = self.result * self.effects / self.effects.sum()
        return split

    def credit_scores(self, counts: Floats, rewards: Floats) -> Floats:
        """What each group of people adds to each credit, to first order: (groups, channels).

        `counts` and `rewards` hold the steps of each group, (groups, steps), and add up to those of the chain; so the
        scores add up to the credits.
        """
        moved = counts @ self.by_count + rewards @ self.by_reward
        return split_scores(self.result, rewards.sum(axis=1), self.effects, moved)


def chain_of(
    states: tuple[State, ...], source: Places, target: Places, count: Floats, reward: Floats
) -> tuple[Chain, Places]:
    """The chain of steps that may repeat, and which step of the chain each of them is."""
    ends = source * (len(states) + 1) + target + 1
    steps, step_of = np.unique(ends, return_inverse=True)
    return Chain(
        states,
        steps // (len(states) + 1),
        steps % (len(states) + 1) - 1,
        sums_at(step_of, count, len(steps)),
        sums_at(step_of, reward, len(steps)),
    ), step_of


def shortened(visits: dict[State, float], order: int, least_visits: float) -> dict[State, State]:
    """For each state the longest of its endings that has at most `order` channels and enough visits.

    A single channel always stands. An ending is visited whenever a state that ends so is, hence at least as often; so a
    state's successor by a channel stays one state, and the shortened chain is a chain.
    """
    endings: dict[State, float] = {}
    for state, count in visits.items():
        for length in range(1, min(order, len(state)) + 1):
            endings[state[-length:]] = endings.get(state[-length:], 0.0) + count
    return {
        state: next(
            state[-length:]
            for length in range(min(order, len(state)), 0, -1)
            if length == 1 or endings[state[-length:]] >= least_visits
        )
        for state in visits
    }


@dataclass(frozen=True)
class Walks:
    """What walks along a chain do, whatever they bring: one inverse for all channels and all rewards."""

    leaving: Floats
    """Steps out of each state."""
    fundamental: Floats
    """(I - Q)^-1 with Q the probabilities between states: expected visits to each state from each other."""
    removed: dict[str, Removed]


@dataclass(frozen=True)
class Removed:
    """The states of a channel, those that end in it; one that holds it further back is only reached through these."""

    states: Places
    factors: tuple[Floats, npt.NDArray[Any]]
    """LU factors of the fundamental matrix between the states."""


def walks_of(chain: Chain) -> Walks:
    """Raises `ValueError` beyond 200 channels."""
    size = len(chain.states)
    channels = sorted({state[-1] for state in chain.states[1:]})
    if len(channels) > MOST_CHANNELS:
        raise ValueError(f"{len(channels)} channels; a removal effect is computed for {MOST_CHANNELS} at most")
    leaving = sums_at(chain.source, chain.count, size)
    inner = chain.target >= 0
    between = np.zeros((size, size))
    between[chain.source[inner], chain.target[inner]] = chain.count[inner] / leaving[chain.source[inner]]
    fundamental: Floats = np.asarray(np.linalg.inv(np.eye(size) - between), dtype=np.float64)
    last = np.array(["", *(state[-1] for state in chain.states[1:])])
    own = {channel: np.flatnonzero(last == channel) for channel in channels}
    return Walks(
        leaving,
        fundamental,
        {channel: Removed(states, lu_factor(fundamental[np.ix_(states, states)])) for channel, states in own.items()},
    )


def removal_effects(chain: Chain, walks: Walks | None = None) -> RemovalEffects | None:
    """The effect of sending every entry into a state of a channel to nowhere; None where nothing came out.

    With F the fundamental matrix, h the expected result from each state and J the states of the channel, what is left is
    p - F[start, J] F[J, J]^-1 h[J]. `walks` are those of the chain, whose rewards they do not depend on.
    """
    result = float(chain.reward.sum())
    if result <= 0:
        return None
    walks = walks or walks_of(chain)
    leaving, fundamental = walks.leaving, walks.fundamental
    expected = fundamental @ (sums_at(chain.source, chain.reward, len(chain.states)) / leaving)
    visits, base = fundamental[0], float(expected[0])

    base_by_count, base_by_reward = _derivatives(chain, visits, expected, leaving)
    channels = tuple(walks.removed)
    effects = np.empty(len(channels))
    by_count = np.empty((len(chain.count), len(channels)))
    by_reward = np.empty_like(by_count)
    for place, removed in enumerate(walks.removed.values()):
        states, factors = removed.states, removed.factors
        expected_without = expected - fundamental[:, states] @ lu_solve(factors, expected[states])
        visits_without = visits - lu_solve(factors, visits[states], trans=1) @ fundamental[states]
        expected_without[states] = visits_without[states] = 0
        left = float(expected_without[0])
        left_by_count, left_by_reward = _derivatives(chain, visits_without, expected_without, leaving)
        effects[place] = min(max(1 - left / base, 0.0), 1.0)
        by_count[:, place] = (left * base_by_count / base - left_by_count) / base
        by_reward[:, place] = (left * base_by_reward / base - left_by_reward) / base
    return RemovalEffects(channels, base, result, effects, by_count, by_reward)


def _derivatives(chain: Chain, visits: Floats, expected: Floats, leaving: Floats) -> tuple[Floats, Floats]:
    """Of the expected result of a journey, by the counts and by the rewards of the steps."""
    by_reward = visits[chain.source] / leaving[chain.source]
    arrived = np.where(chain.target >= 0, expected[chain.target], 0.0)
    return by_reward * (arrived - expected[chain.source]), by_reward
