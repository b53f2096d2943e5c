"""The intervals of the privacy scores cover what is true of patients, also of few of them."""

from __future__ import annotations

import numpy as np
import pytest
from vbench_plugins.metrics import privacy

PATCHES, REPEATS = 40, 40


def distances(rng: np.random.Generator, subjects: int) -> np.ndarray:
    """Draw distances ``(patches, subjects)``: subjects differ, and patches within them."""
    return np.exp(rng.normal(0, 0.3, subjects) + rng.normal(0, 0.5, (PATCHES, subjects)))


def unseen(rng: np.random.Generator, subjects: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw distances of held-out patches to training and held-out subjects, and whose they are."""
    parts = [distances(rng, 2 * subjects) for _ in range(subjects)]
    owner = np.repeat(np.arange(subjects), PATCHES)
    every = np.concatenate(parts)
    far = every[:, subjects:]
    far[np.arange(len(far)), owner] = np.inf
    return every[:, :subjects], far, owner


@pytest.mark.parametrize("subjects", [4, 8])
def test_the_interval_of_near_copies_covers_what_unseen_patients_show(subjects: int) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(REPEATS):
        near, far, owner = unseen(rng, subjects)
        made = np.concatenate([distances(rng, 2 * subjects) for _ in range(20)])
        _, interval = privacy._share_near(
            (made[:, :subjects], made[:, subjects:]), (near, far), owner
        )
        assert interval is not None
        covered += interval[0] <= 0.02
    assert covered >= 0.95 * REPEATS


@pytest.mark.parametrize("subjects", [3, 6])
def test_the_interval_of_the_ratio_covers_one_where_nothing_leaks(subjects) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(REPEATS):
        sides = (distances(rng, subjects) for _ in range(2))
        _, (low, high) = privacy._ratio(*sides, rng)
        covered += low <= 1 <= high
    assert covered >= 0.88 * REPEATS


def test_copies_have_a_ratio_of_zero_and_no_interval_around_it() -> None:
    rng = np.random.default_rng(0)
    near, far = (distances(rng, 6) for _ in range(2))
    near[np.arange(PATCHES), np.arange(PATCHES) % 6] = 0
    value, interval = privacy._ratio(near + 1e-6, far, rng)
    assert value < 1e-4
    assert interval is not None
    assert interval[1] < 1e-3


def test_sides_of_other_numbers_of_subjects_are_compared_alike() -> None:
    rng = np.random.default_rng(0)
    values = []
    for _ in range(REPEATS):
        every = distances(rng, 20)
        values.append(privacy._ratio(every[:, :15], every[:, 15:], rng)[0])
    assert np.mean(values) == pytest.approx(1, abs=0.1)
