"""The mathematics, against hand-computed cases and by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.analysis import stats

NAN = np.nan


def test_a_subject_is_averaged_over_the_seeds_that_have_it():
    values = np.array([[0.8, NAN, NAN], [0.6, 0.5, NAN]])
    np.testing.assert_allclose(stats.per_subject(values), [0.7, 0.5, NAN])


def test_bootstrap_variance_of_the_mean_is_unbiased():
    """Resampling n - 1 of n gives s²/n: for 1, 2, 3, 4 that is 5/3 / 4."""
    draws = stats.bootstrap_means(np.array([[1.0, 2.0, 3.0, 4.0]]), 40_000)
    assert draws.mean() == pytest.approx(2.5, abs=0.01)
    assert draws.var() == pytest.approx(5 / 12, rel=0.02)


def test_bootstrap_leaves_failed_cases_out():
    values = np.array([[1.0, NAN, 3.0], [1.0, 2.0, 3.0]])
    draws = stats.bootstrap_means(values)
    assert np.isfinite(draws).mean() > 0.9
    assert np.nanmin(draws) >= 1
    assert np.nanmax(draws) <= 3


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(0).normal(size=(3, 6))
    assert stats.mean_interval(values) == stats.mean_interval(values.copy())


def test_the_interval_of_equal_values_is_that_value():
    low, high = stats.mean_interval(np.full((2, 5), 0.7))
    assert low == pytest.approx(0.7)
    assert high == pytest.approx(0.7)


def test_a_single_case_has_no_interval():
    assert stats.mean_interval(np.array([[0.7]])) is None
    assert stats.mean_interval(np.array([[NAN, NAN]])) is None


def test_the_interval_has_the_width_of_student_and_the_skew_of_the_draws():
    draws = np.random.default_rng(0).normal(size=100_000)
    assert stats.interval(draws, 0.0) == pytest.approx([-1.96, 1.96], abs=0.05)
    assert stats.interval(draws, 0.0, df=4) == pytest.approx([-2.776, 2.776], abs=0.05)
    skewed = np.exp(draws)
    low, high = stats.interval(skewed, float(skewed.mean()))
    assert high - skewed.mean() > 2 * (skewed.mean() - low)
    assert high - low == pytest.approx(2 * 1.96 * skewed.std(), rel=0.001)


def test_two_subjects_give_the_interval_of_student():
    """Mean 2, standard error 1, one degree of freedom: 2 ± 12.706."""
    low, high = stats.mean_interval(np.array([[1.0, 3.0]]))
    assert high - low == pytest.approx(2 * 12.706, rel=0.001)
    assert (low + high) / 2 == pytest.approx(2, abs=0.5)


def test_degrees_of_freedom_are_those_of_the_level_that_varies():
    subjects_vary = np.tile(np.arange(6.0), (3, 1))
    assert stats.degrees_of_freedom(subjects_vary) == pytest.approx(5)
    assert stats.degrees_of_freedom(subjects_vary.T) == pytest.approx(5)
    assert stats.degrees_of_freedom(np.ones((3, 6))) == np.inf


@pytest.mark.parametrize(
    ("seeds", "subjects", "between_subjects", "between_seeds"),
    [(1, 2, 0.02, 0), (1, 12, 0.02, 0), (3, 5, 0.02, 0.02), (3, 14, 0.02, 0.005)],
)
def test_the_interval_covers_the_truth_as_often_as_it_says(
    seeds, subjects, between_subjects, between_seeds
):
    """Over 400 made-up experiments each; plain percentiles cover 0.50 to 0.93 here."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        values = 0.85 + rng.normal(0, 0.01, (seeds, subjects))
        values += rng.normal(0, between_subjects, (1, subjects))
        values += rng.normal(0, between_seeds, (seeds, 1)) if between_seeds else 0
        low, high = stats.mean_interval(values, draws=1000)
        hits += low <= 0.85 <= high
    assert 0.92 <= hits / 400 <= 0.99


def test_paired_p_counts_sign_patterns():
    """Of the 8 patterns of 1, 2, 3 two have |sum| >= 6; of 1, 2, -3 all have at least 0."""
    assert stats.paired_p(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert stats.paired_p(np.array([1.0, 2.0, -3.0])) == 1.0
    assert stats.paired_p(np.array([1.0, 2.0, -1.0])) == 6 / 8


def test_paired_p_of_ties_is_one():
    assert stats.paired_p(np.zeros(6)) == 1.0
    assert stats.paired_p(np.array([])) == 1.0


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=7))
def test_paired_p_equals_the_enumeration(differences):
    values = np.array(differences, float)
    sums = [abs(np.dot(s, values)) for s in itertools.product((1, -1), repeat=len(values))]
    expected = np.mean(np.array(sums) >= abs(values.sum()))
    assert stats.paired_p(values) == pytest.approx(expected)


def test_paired_p_is_uniform_when_nothing_differs():
    rng = np.random.default_rng(3)
    p = np.array([stats.paired_p(rng.normal(size=9)) for _ in range(600)])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.07)


def test_drawn_patterns_agree_with_scipy_for_many_subjects():
    from scipy.stats import permutation_test

    values = np.random.default_rng(5).normal(0.3, 1, size=20)
    ours = stats.paired_p(values)
    theirs = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.015)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_smallest_p_is_reached_when_all_differences_agree(n):
    assert stats.paired_p(np.arange(1.0, n + 1)) == stats.smallest_p(n)


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
