"""Removal effects of a Markov chain over channels, by exact linear algebra.

Anderl, Becker, von Wangenheim and Schumann 2016, International Journal of Research in Marketing 33(3). A removal effect
is the part of the chain's expected result that passes through a channel. It says nothing about what would have happened
without the channel: journeys that convert are not compared with any that did not meet it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_array

from orchestration.measurement.resampling import Floats, split_scores, sums_at

State = tuple[str, ...]
"""The last channels of a journey, oldest first."""
Places = npt.NDArray[np.int64]

START: State = ("(start)",)
END: State = ("(end)",)
MOST_CHANNELS = 200
USUAL_ROUNDS = 100
"""After some as many steps what is left of a walk no longer shows in a double; an inverse of 1,000 states, with twelve
steps from each, takes five times as long."""
MOST_ROUNDS = 2000


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
    chain: Chain
    walks: Walks
    expected: Floats
    """From each state, with all channels and without each: (states, 1 + channels)."""

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
        source, target = self.chain.source, self.chain.target
        # Derivatives of the expected result by each step's reward, and by its count with its reward held as it is.
        by_reward = self.walks.visits[source] / self.walks.leaving[source][:, None]
        arrived = np.where(target[:, None] >= 0, self.expected[target], 0.0)
        by_count = by_reward * (arrived - self.expected[source])
        left = self.expected[0, 1:]
        by_count, by_reward = (
            (left * moved[:, :1] / self.base - moved[:, 1:]) / self.base for moved in (by_count, by_reward)
        )
        return split_scores(self.result, rewards.sum(axis=1), self.effects, counts @ by_count + rewards @ by_reward)


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
    """What walks along a chain do, whatever they bring: with all channels, and without each."""

    channels: tuple[str, ...]
    leaving: Floats
    """Steps out of each state."""
    between: csr_array
    """Q, the probabilities between states."""
    kept: Floats
    """1 where a walk may enter a state, 0 where not: (states, 1 + channels), the first with all channels.

    The states of a channel are those that end in it; one that holds it further back is only reached through these.
    """

    @cached_property
    def visits(self) -> Floats:
        """How often a walk is expected in each state, (states, 1 + channels)."""
        start = np.zeros((len(self.leaving), 1))
        start[0] = 1
        settled = self._settled(lambda visits: start + self.kept * (self.between.T @ visits), start)
        if settled is None:
            fundamental = self._fundamental
            settled = np.repeat(fundamental[:1].T, self.kept.shape[1], axis=1)
            for place, states, factors in self._removed:
                settled[:, place] -= lu_solve(factors, fundamental[0, states], trans=1) @ fundamental[states]
        return self.kept * settled

    def expected(self, rewards: Floats) -> Floats:
        """What a walk is expected to bring from each state on, (states, 1 + channels), `rewards` being those of leaving it."""
        brought = (rewards / self.leaving)[:, None]
        settled = self._settled(lambda expected: brought + self.between @ (self.kept * expected), brought)
        if settled is None:
            fundamental = self._fundamental
            expected = fundamental @ brought
            settled = np.repeat(expected, self.kept.shape[1], axis=1)
            for place, states, factors in self._removed:
                settled[:, place] -= fundamental[:, states] @ lu_solve(factors, expected[states, 0])
        return self.kept * settled

    def _settled(self, walked: Callable[[Floats], Floats], start: Floats) -> Floats | None:
        """Sums over walks of more and more steps until a step adds nothing; None where an inverse is less work."""
        if USUAL_ROUNDS * self.between.nnz * self.kept.shape[1] > len(self.leaving) ** 3:
            return None
        now = np.repeat(start, self.kept.shape[1], axis=1)
        for rounds in range(MOST_ROUNDS):
            before, now = now, walked(now)
            # To look is as much work as to walk.
            if rounds % 10 == 9 and np.abs(now - before).max() <= 1e-16 * np.abs(now).max():
                return now
        return None

    @cached_property
    def _fundamental(self) -> Floats:
        """(I - Q)^-1: expected visits to each state from each other."""
        return np.asarray(np.linalg.inv(np.eye(len(self.leaving)) - self.between.toarray()), dtype=np.float64)

    @cached_property
    def _removed(self) -> list[tuple[int, Places, tuple[Floats, npt.NDArray[Any]]]]:
        """Column, states and LU factors of the fundamental matrix between them, by channel."""
        own = [np.flatnonzero(column == 0) for column in self.kept[:, 1:].T]
        return [(n + 1, states, lu_factor(self._fundamental[np.ix_(states, states)])) for n, states in enumerate(own)]


def walks_of(chain: Chain) -> Walks:
    """Raises `ValueError` beyond 200 channels."""
    size = len(chain.states)
    last = np.array(["", *(state[-1] for state in chain.states[1:])])
    channels = np.unique(last[1:])
    if len(channels) > MOST_CHANNELS:
        raise ValueError(f"{len(channels)} channels; a removal effect is computed for {MOST_CHANNELS} at most")
    leaving = sums_at(chain.source, chain.count, size)
    inner = chain.target >= 0
    source, target = chain.source[inner], chain.target[inner]
    between = csr_array((chain.count[inner] / leaving[source], (source, target)), shape=(size, size))
    kept = np.ones((size, 1 + len(channels)))
    kept[:, 1:] = last[:, None] != channels
    return Walks(tuple(channels.tolist()), leaving, between, kept)


def removal_effects(chain: Chain, walks: Walks | None = None) -> RemovalEffects | None:
    """The effect of sending every entry into a state of a channel to nowhere; None where nothing came out.

    With F = (I - Q)^-1, h = F r the expected result from each state and J the states of the channel, what is left is
    p - F[start, J] F[J, J]^-1 h[J]; of many states the sum over walks of every length, to the last digit, is less work.
    `walks` are those of the chain, whose rewards they do not depend on.
    """
    result = float(chain.reward.sum())
    if result <= 0:
        return None
    walks = walks or walks_of(chain)
    expected = walks.expected(sums_at(chain.source, chain.reward, len(chain.states)))
    base, left = float(expected[0, 0]), expected[0, 1:]
    return RemovalEffects(walks.channels, base, result, np.clip(1 - left / base, 0.0, 1.0), chain, walks, expected)
