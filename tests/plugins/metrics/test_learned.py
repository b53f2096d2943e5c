"""Moved copies are found and named, and unseen patients are not."""

from __future__ import annotations

import numpy as np
import pytest
from patients import as_patches, patients
from scipy import ndimage
from vbench_plugins.metrics.learned import LearnedCopies

SIZE = (20, 20)
TRAINING, HELDOUT = patients(5, 30, seed=0, size=SIZE), patients(4, 30, seed=1, size=SIZE)
UNSEEN = patients(5, 30, seed=2, size=SIZE).take(np.arange(150))
MEMBERS = TRAINING.take(np.arange(len(TRAINING)))
DISGUISES = {
    "mirrored": lambda a: a[..., ::-1],
    "shifted": lambda a: ndimage.shift(a, (0, 0, 3, -3), order=0, mode="nearest"),
    "turned": lambda a: ndimage.rotate(a, 30, axes=(2, 3), reshape=False, order=1, mode="nearest"),
}


def score(array: np.ndarray, patches: int = 120):
    metric = LearnedCopies(LearnedCopies.Params(patches=patches, unseen=40))
    found = metric.score(as_patches(array), TRAINING, HELDOUT, features=None, seed=0)
    return found.value, dict(found.details or {})


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_third_of_moved_copies_is_found(disguise):
    array = UNSEEN.copy()
    array[::3] = DISGUISES[disguise](MEMBERS[::3])
    value, details = score(array)
    assert details["alarm"]
    assert value > 0.15
    right = [flag["subject"] == flag["patch"] // 30 for flag in details["flagged"]]
    assert np.mean(right) > 0.9


def test_unseen_patients_are_no_copies():
    assert score(UNSEEN)[1]["alarm"] is False


def test_of_many_patches_a_sample_is_looked_at_and_named_rightly():
    value, details = score(MEMBERS, patches=60)
    assert details["looked_at"] == 60
    assert value > 0.8
    assert all(flag["training_patch"] == flag["patch"] for flag in details["flagged"][:20])
