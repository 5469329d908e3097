"""Which order of a Markov chain the journeys themselves support: the lowest that foresees those of other people as well.

A chain of more channels always fits the journeys it was counted on better. So it is counted on four fifths of the people
and asked about the others, each fifth in turn: the loss is what it was surprised by, in nats, -log of the probability that
it gave to the next channel, conversion or loss. A possibility counts half a time more than it was seen (Krichevsky and
Trofimov 1981), or the first surprise would be infinite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestration.measurement import markov
from orchestration.measurement.resampling import Floats, sums_at

FOLDS = 5
LEAST_JOURNEYS = 100
QUANTILE = 1.959963984540054


@dataclass(frozen=True)
class Foresight:
    """How well chains of several orders foresee journeys of people whom they were not counted on."""

    journeys: int
    losses: Mapping[int, float]
    """Nats of a journey, by order."""
    supported: int | None
    """The lowest order not told apart from the best at 95 %; None below 100 journeys."""


def foresight(
    states: Sequence[markov.State],
    source: markov.Places,
    target: markov.Places,
    counts: Floats,
    conversions: Floats,
    orders: Sequence[int],
    least_visits: float,
) -> Foresight:
    """Of steps between states, the first of which is start and end; `counts` and `conversions` are (groups of people, steps).

    States hold as many channels as the highest order at most. The groups n, n + 5, n + 10 ... are one fifth of the people.
    """
    ended = target == 0
    channels, channel = np.unique([state[-1] if state else "" for state in states], return_inverse=True)
    outcomes = len(channels) + 1
    # Place 0 among the channels is the empty one of start and end: it stands for a loss, one beyond the last for a conversion.
    origin = np.concatenate([source, source[ended]])
    outcome = np.concatenate([channel[target], np.full(int(ended.sum()), len(channels))])
    made = np.concatenate([counts - np.where(ended, conversions, 0), conversions[:, ended]], axis=1)
    journeys = counts[:, source == 0].sum(axis=1)

    fold_of = np.arange(len(counts)) % FOLDS
    losses = {order: np.zeros(len(counts)) for order in orders}
    for fold in range(FOLDS):
        others = made[fold_of != fold].sum(axis=0)
        visits = sums_at(origin, others, len(states)).tolist()
        visited = {state: visit for state, visit in zip(states, visits, strict=True) if state}
        for order in orders:
            shorter = markov.shortened(visited, order, least_visits)
            endings = {ending: place for place, ending in enumerate(((), *sorted(set(shorter.values()))))}
            ending = np.array([endings[shorter.get(state, ())] for state in states])[origin]
            cell = ending * outcomes + outcome
            seen = sums_at(cell, others, len(endings) * outcomes)[cell] + 0.5
            left = sums_at(ending, others, len(endings))[ending] + 0.5 * outcomes
            losses[order][fold_of == fold] = -(made[fold_of == fold] @ np.log(seen / left))
    total = float(journeys.sum())
    means = {order: float(loss.sum()) / total for order, loss in losses.items()}
    if total < LEAST_JOURNEYS:
        return Foresight(int(total), means, None)
    best = min(orders, key=lambda order: (means[order], order))
    supported = min(
        order
        for order in orders
        if means[order] - means[best] <= QUANTILE * _standard_error(losses[order] - losses[best], journeys)
    )
    return Foresight(int(total), means, supported)


def _standard_error(sums: Floats, journeys: Floats) -> float:
    """Of the mean over journeys, out of sums over groups of people."""
    total = float(journeys.sum())
    apart = sums - journeys * float(sums.sum()) / total
    return float(np.sqrt(np.square(apart).sum() * len(apart) / (len(apart) - 1))) / total
