"""Cross-validation: folds of a seed are one row, and count as trainings in the intervals."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.uncertainty import (
    between_folds,
    claim_of,
    estimate,
    kept,
    mean_interval,
    ratio_interval,
)


def made(tables: int, seeds: int, subjects: int, folds: int, sd: float, seed: int = 0):
    """Scores of two equal methods in which each fold's training shifts its subjects."""
    rng = np.random.default_rng(seed)
    of = np.arange(subjects) * folds // subjects
    truth = rng.normal(0.85, 0.03, (tables, 1, subjects))
    sides = []
    for _ in range(2):
        shift = rng.normal(0, sd, (tables, seeds, folds))[:, :, of]
        sides.append(truth + shift + rng.normal(0, 0.01, (tables, seeds, subjects)))
    return (*sides, of)


def test_the_parts_are_those_of_the_analysis_of_variance_by_hand():
    values, folds = np.array([1.0, 3.0, 4.0, 8.0, 10.0, 10.0]), np.array([0, 0, 1, 1, 2, 2])
    # within: (2 + 8 + 0) / 3; between: 2 × (4² + 0² + 4²) / 2 = 32; folds: (32 - 5/3) / 2 / 3
    subjects, of_folds = between_folds(values, folds)
    assert subjects == pytest.approx(10 / 3 / 6)
    assert of_folds == pytest.approx((32 - 5 / 3) / 2 / 3)
    found = estimate(values[None], folds=folds)
    assert (found.df_subjects, float(found.df_seeds)) == (3, 2)


@pytest.mark.parametrize(("subjects", "folds"), [(10, 5), (12, 2), (20, 5), (23, 4)])
@pytest.mark.parametrize("sd", [0, 0.01, 0.03])
@pytest.mark.parametrize("seeds", [1, 2])
def test_equal_methods_are_called_different_in_5_of_100_at_most(subjects, folds, sd, seeds):
    ours, theirs, of = made(3000, seeds, subjects, folds, sd)
    found = estimate(ours, theirs, of)
    assert np.mean(np.abs(found.value) > found.half_width()) <= 0.06
    mean = estimate(ours, folds=of)
    assert np.mean(np.abs(mean.value - 0.85) <= mean.half_width()) >= 0.93


def test_subjects_alone_would_be_too_sure():
    ours, theirs, _of = made(3000, 1, 20, 5, 0.03)
    naive = estimate(ours, theirs)
    assert np.mean(np.abs(naive.value) > naive.half_width()) > 0.15


def test_a_fold_for_each_subject_is_the_paired_t_test():
    ours, theirs, _ = made(1, 1, 9, 9, 0.01)
    found, plain = estimate(ours, theirs, np.arange(9)), estimate(ours, theirs)
    assert found.half_width() == plain.half_width()
    assert (found.claim, plain.claim) == ("methods", "networks")


def test_p_interval_and_ratio_agree():
    ours, theirs, of = made(200, 1, 12, 3, 0.02)
    for a, b in zip(ours, theirs - 0.02, strict=True):
        difference = estimate(a, b, of)
        inside = abs(float(difference.value)) <= float(difference.half_width())
        assert inside == (float(difference.p()) >= 0.05)
        ratio = ratio_interval(difference, a, b, of)
        assert ratio is not None
        assert ratio[0] <= a.mean() / b.mean() <= ratio[1]
        assert inside == (ratio[0] <= 1 <= ratio[1])


def test_a_reference_that_may_be_zero_has_no_ratio():
    ours, theirs, of = made(1, 1, 12, 3, 0.02)
    theirs = theirs[0] - theirs[0].mean()
    assert ratio_interval(estimate(ours[0], theirs, of), ours[0], theirs, of) is None


def test_one_seed_of_several_folds_speaks_of_methods():
    assert claim_of(np.ones((1, 4)), folds=np.array([0, 0, 1, 1])) == "methods"
    assert claim_of(np.ones((1, 4)), folds=np.zeros(4, int)) == "networks"


def test_a_subject_without_a_value_is_left_out_with_its_fold():
    values, folds = np.array([[0.8, np.nan, 0.9, 0.7, 0.6]]), np.array([0, 0, 0, 1, 1])
    assert list(kept(folds, values)) == [0, 0, 1, 1]
    interval = mean_interval(values, folds)
    assert interval is not None
    assert interval[0] < 0.75 < interval[1]
