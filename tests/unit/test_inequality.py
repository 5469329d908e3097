"""Measures of inequality against hand-made histograms and against everyone written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.measurement.inequality import gini, gini_interval, top_share, top_share_interval

HISTOGRAMS = st.dictionaries(st.integers(1, 50), st.integers(1, 20), min_size=1, max_size=8)


def test_equals_have_no_inequality_and_their_share_is_their_number() -> None:
    assert gini({7: 12}) == pytest.approx(0)
    assert top_share({7: 12}, 0.25) == pytest.approx(0.25)


def test_two_persons_are_the_case_by_hand() -> None:
    # 1 and 3 acts: (-1 * 1 + 1 * 3) / (2 * 4).
    assert gini({1: 1, 3: 1}) == pytest.approx(0.25)
    # The busiest half does 3 of 4 acts; the busiest quarter is half a person.
    assert top_share({1: 1, 3: 1}, 0.5) == pytest.approx(0.75)
    assert top_share({1: 1, 3: 1}, 0.25) == pytest.approx(0.375)


@given(HISTOGRAMS)
def test_a_histogram_gives_what_the_persons_give(histogram: dict[int, int]) -> None:
    acts = sorted(number for number, persons in histogram.items() for _ in range(persons))
    differences = sum(abs(one - other) for one in acts for other in acts)
    assert gini(histogram) == pytest.approx(differences / (2 * len(acts) * sum(acts)), abs=1e-12)
    busiest = len(acts) // 2
    if busiest:
        assert top_share(histogram, busiest / len(acts)) == pytest.approx(sum(acts[-busiest:]) / sum(acts))
    assert top_share(histogram, 1) == pytest.approx(1)


def test_an_interval_is_the_same_every_time_and_holds_the_figure() -> None:
    histogram = {1: 120, 2: 60, 3: 30, 8: 10, 40: 3}
    assert gini_interval(histogram) == gini_interval(dict(reversed(histogram.items())))
    lower, upper = gini_interval(histogram)
    assert 0 < lower < gini(histogram) < upper < 1
    lower, upper = top_share_interval(histogram, 0.1)
    assert 0.1 < lower < top_share(histogram, 0.1) < upper < 1


@pytest.mark.parametrize("histogram", [{}, {0: 3}, {2: -1}, {2: 0}])
def test_a_histogram_without_persons_who_act_is_refused(histogram: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="needs persons"):
        gini(histogram)
