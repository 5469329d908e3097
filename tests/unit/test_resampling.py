"""Poisson weights out of md5, and intervals against a bootstrap that draws every person."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.measurement.markov import removal_effects
from orchestration.measurement.resampling import (
    GROUPS,
    STEPS,
    deviations,
    group_weights,
    poisson_weight,
    split_scores,
    uniform_of,
)
from tests.unit.attribution_oracles import PathJourneys, chain_of_paths


# The last is cut off after 8 digits.
@pytest.mark.parametrize(("count", "tolerance"), [*((count, 5e-12) for count in range(6)), (6, 1e-8)])
def test_steps_of_the_weights_are_those_of_the_distribution(oracles: Path, count: int, tolerance: float) -> None:
    answers = json.loads((oracles / "sci_attribution/stat_oracles.json").read_text(encoding="utf-8"))
    assert STEPS[count] == pytest.approx(answers["poisson_bootstrap_cdf"][f"k{count}"], abs=tolerance)


def test_a_weight_counts_the_steps_below_its_number() -> None:
    assert poisson_weight([0, 0.36787, 0.36789, 0.73577, 0.91971, 0.98102, 0.99635, 0.99942]).tolist() == [
        0, 0, 1, 2, 3, 4, 5, 6
    ]  # fmt: skip


def test_a_point_on_a_step_belongs_to_the_next_weight() -> None:
    assert poisson_weight(STEPS[:3]).tolist() == [1, 2, 3]


def test_numbers_out_of_md5_are_those_that_an_engine_computes() -> None:
    pairs = [(str(group), replicate) for group in (0, 7, 127) for replicate in (0, 1, 999)]
    with duckdb.connect() as connection:
        for unit, replicate in pairs:
            text = f"('0x' || substring(md5('{unit}|{replicate}'), 1, 13))::bigint / power(16, 13)"
            assert connection.execute(f"select {text}").fetchall() == [(uniform_of(unit, replicate),)]


def test_weights_have_the_mean_and_the_variance_of_a_poisson_variable() -> None:
    drawn = poisson_weight([[uniform_of(str(group), replicate) for group in range(128)] for replicate in range(500)])
    assert drawn.mean() == pytest.approx(1, abs=3 * 64000**-0.5)
    assert drawn.var() == pytest.approx(1, abs=0.03)


def test_weights_of_a_replicate_are_scaled_to_the_mean_one_and_the_same_in_every_run() -> None:
    weights = group_weights()
    assert weights.sum(axis=1) == pytest.approx(GROUPS)
    group_weights.cache_clear()
    assert np.array_equal(group_weights(), weights)


def test_an_interval_holds_its_value() -> None:
    scores = np.zeros((GROUPS, 3))
    scores[5, 1], scores[:, 2] = 7.0, 1.0
    low, high = deviations(scores)
    assert (low <= 0).all()
    assert (high >= 0).all()
    assert (low[0], high[0]) == (0, 0)
    # Groups that all bring the same are a constant.
    assert (low[2], high[2]) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize("persons", [300, 5000])
def test_groups_of_people_vary_like_the_people(persons: int) -> None:
    numbers = np.random.default_rng(1)
    amounts = numbers.exponential(size=persons)
    widths = []
    for _ in range(60):
        groups = np.bincount(numbers.integers(0, GROUPS, persons), amounts, GROUPS)
        low, high = deviations(groups[:, None])
        widths.append(float(high[0] - low[0]))
    expected = 2 * 1.96 * np.sqrt((amounts**2).sum())
    assert np.mean(widths) == pytest.approx(expected, rel=0.03)
    # One grouping knows the width to 6 %.
    assert np.std(widths) / expected < 0.09


def test_credits_of_people_drawn_again_vary_as_the_scores_say() -> None:
    # 400 people with a journey each; every draw solves its chain anew.
    numbers = np.random.default_rng(2)
    kinds = [("A", "B"), ("A",), ("B", "A", "C"), ("C", "C"), ("B",)]
    people = [PathJourneys(kinds[k], *one) for k in range(5) for one in [(1, 0)] * (20 + 5 * k) + [(0, 1)] * 50]
    chain = chain_of_paths(people, 1)
    whole = removal_effects(chain)
    assert whole is not None
    solved, groups = [], numbers.integers(0, GROUPS, len(people))
    weights = numbers.poisson(size=(400, len(people)))
    steps = {step: place for place, step in enumerate(zip(chain.source.tolist(), chain.target.tolist(), strict=True))}
    places = {state: place for place, state in enumerate(chain.states)}
    counts, rewards = np.zeros((len(people), len(steps))), np.zeros((len(people), len(steps)))
    for number, person in enumerate(people):
        visited = [0, *(places[(channel,)] for channel in person.channels), -1]
        for step in pairwise(visited):
            counts[number, steps[step]] += 1
        rewards[number, steps[visited[-2], -1]] += person.converted
    for draw in weights:
        again = removal_effects(replace(chain, count=draw @ counts, reward=draw @ rewards))
        assert again is not None
        solved.append(again.credits)
    by_group = [np.zeros((GROUPS, len(steps))) for _ in range(2)]
    for total, amounts in zip(by_group, (counts, rewards), strict=True):
        np.add.at(total, groups, amounts)
    low, high = deviations(whole.credit_scores(*by_group))
    drawn_low, drawn_high = np.quantile(np.array(solved) - whole.credits, [0.025, 0.975], axis=0)
    # 6 % for the grouping, 5 % for 400 draws, twice.
    assert high - low == pytest.approx(drawn_high - drawn_low, rel=0.22)


def test_scores_of_a_split_total_add_up_to_its_parts() -> None:
    effects = np.array([0.5, 0.25, 0.25])
    scores = split_scores(8.0, np.array([6.0, 2.0]), effects, np.array([[0.1, -0.1, 0.0], [-0.1, 0.1, 0.0]]))
    assert scores.sum(axis=0) == pytest.approx(8 * effects)
    assert scores.sum(axis=1) == pytest.approx([6, 2])
