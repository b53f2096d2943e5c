"""The intervals of the privacy scores cover what is true of patients, also of few of them."""

from __future__ import annotations

import numpy as np
import pytest
from vbench_plugins.metrics import privacy

PATCHES, REPEATS = 40, 40


def distances(rng: np.random.Generator, subjects: int) -> np.ndarray:
    """Draw distances ``(patches, subjects)``: subjects differ, and patches within them."""
    return np.exp(rng.normal(0, 0.3, subjects) + rng.normal(0, 0.5, (PATCHES, subjects)))


@pytest.mark.parametrize("subjects", [3, 6])
def test_the_interval_of_near_copies_covers_the_true_share(subjects: int, monkeypatch) -> None:
    monkeypatch.setattr(privacy, "_DRAWS", 100)
    rng = np.random.default_rng(0)
    near = float(np.percentile(distances(rng, 4000), 1))
    owner = np.tile(np.arange(subjects), PATCHES)
    covered = 0
    for _ in range(REPEATS):
        made = distances(rng, 100).ravel()
        truth = float(np.mean(made < near))
        usual = distances(rng, subjects).ravel()
        _, (low, high) = privacy._share_near(made, usual, owner, rng)
        covered += low <= truth <= high
    assert covered >= 0.88 * REPEATS


@pytest.mark.parametrize("subjects", [3, 6])
def test_the_interval_of_the_ratio_covers_one_where_nothing_leaks(subjects, monkeypatch) -> None:
    monkeypatch.setattr(privacy, "_DRAWS", 100)
    rng = np.random.default_rng(0)
    metric = privacy.NearestRatio()
    covered = 0
    for _ in range(REPEATS):
        sides = (distances(rng, subjects) for _ in range(2))
        _, (low, high) = metric._ratio(*sides, rng)
        covered += low <= 1 <= high
    assert covered >= 0.88 * REPEATS
