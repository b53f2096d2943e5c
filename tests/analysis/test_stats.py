"""The small mathematics, against hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.analysis import stats

NAN = np.nan


def test_a_subject_is_averaged_over_the_seeds_that_have_it():
    values = np.array([[0.8, NAN, NAN], [0.6, 0.5, NAN]])
    np.testing.assert_allclose(stats.per_subject(values), [0.7, 0.5, NAN])


def test_holm_by_hand():
    """0.01 × 4, 0.03 × 3, 0.04 × 2 and never below the one before, 0.5 × 1."""
    assert stats.holm([0.04, 0.01, 0.5, 0.03]) == pytest.approx([0.09, 0.04, 0.5, 0.09])
    assert stats.holm([]) == []
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_only_raises_and_keeps_the_order(p):
    corrected = stats.holm(p)
    assert all(c >= q for c, q in zip(corrected, p, strict=True))
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_average_ranks_are_those_of_scipy(values):
    from scipy.stats import rankdata

    np.testing.assert_array_equal(stats.average_ranks(np.array(values)), rankdata(values))


def test_rank_biserial_by_hand():
    """Ranks of |1|, |2|, |3|: 1, 2, 3; for 1, -2, 3 that is (1 - 2 + 3) / 6."""
    assert stats.rank_biserial(np.array([1.0, -2.0, 3.0])) == pytest.approx(1 / 3)
    assert stats.rank_biserial(np.array([0.0, 2.0, 1.0])) == 1.0
    assert stats.rank_biserial(np.zeros(4)) == 0.0


def test_ranks_and_wins_by_hand():
    """Over two subjects: arm a is 1st and 1st, b 2nd and shares 2nd, c 3rd and shares 2nd."""
    ranks, wins = stats.ranks_and_wins(np.array([[0.9, 0.9], [0.8, 0.7], [0.7, 0.7]]))
    np.testing.assert_allclose(ranks, [1.0, 2.25, 2.75])
    np.testing.assert_allclose(wins, [1.0, 0.375, 0.125])


def test_a_single_arm_has_no_win_rate():
    ranks, wins = stats.ranks_and_wins(np.array([[0.5, 0.6]]))
    assert ranks.tolist() == [1.0]
    assert np.isnan(wins).all()
