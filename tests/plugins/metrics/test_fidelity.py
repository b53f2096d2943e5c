"""Fidelity and privacy metrics on points whose scores are known."""

from __future__ import annotations

import numpy as np
import pytest
from patients import as_patches, patients
from vbench_plugins.metrics import morphology
from vbench_plugins.metrics.privacy import _auc

from vbench import registry

METRICS = registry.default().metrics("fidelity")


def points(array: np.ndarray):
    """Carry vectors as patches: one value a voxel, seen through :func:`see`."""
    return as_patches(np.stack([array, np.zeros_like(array)], axis=1)[..., None])


def see(patches: np.ndarray) -> np.ndarray:
    return patches[:, 0, :, 0]


def score(name: str, first: np.ndarray, second: np.ndarray, **params) -> float:
    cls = METRICS[name]
    return (
        cls(cls.Params(**params)).score(points(first), points(second), features=see, seed=0).value
    )


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 1500, 4))


def test_frechet_distance_of_normal_distributions(normal):
    # Real: unit deviation. Means differ by 2 in one axis, deviations by a factor of 3 in another.
    shifted = normal[0] * [1, 3, 1, 1] + [2, 0, 0, 0]
    assert score("fid", shifted, normal[1]) == pytest.approx(4 + (3 - 1) ** 2, rel=0.1)
    assert score("fid", normal[0], normal[0]) == pytest.approx(0, abs=1e-6)
    correlated = normal[0].copy()
    correlated[:, 1] = correlated[:, 0]
    # trace(S1 + I - 2 sqrt(S1)), with eigenvalues 2, 0, 1, 1.
    expected = (np.sqrt(2) - 1) ** 2 + 1
    assert score("fid", correlated, normal[1]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("name", ["kid", "mmd"])
def test_kernel_distances_are_unbiased(name):
    rng = np.random.default_rng(1)
    values = [score(name, *rng.normal(size=(2, 40, 3))) for _ in range(60)]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert score(name, rng.normal(size=(40, 3)) + 2, rng.normal(size=(40, 3))) > max(values)


def test_kernel_distance_by_hand():
    # Real -1 and 1: mean 0, deviation 1. Synthetic 1 and 1.
    first, second = np.array([[1.0], [1.0]]), np.array([[-1.0], [1.0]])
    assert score("kid", first, second) == pytest.approx(8 + 0 - 2 * (0 + 8) / 2)


def test_classifier_test_goes_from_a_half_to_one(normal):
    assert score("c2st", normal[0], normal[1]) == pytest.approx(0.5, abs=0.05)
    assert score("c2st", normal[0] + 6, normal[1]) > 0.99
    # Same mean, other spread: seen through the squares.
    assert score("c2st", 4 * normal[0], normal[1]) > 0.75


def test_precision_and_recall_tell_missing_from_wrong(normal):
    real = normal[1][:400]
    half = normal[0][normal[0][:, 0] > 0][:400]
    both = np.concatenate([normal[0][:200], normal[0][:200] + 30])
    assert score("prdc-precision", half, real) > 0.9 > score("prdc-recall", half, real)
    assert score("prdc-precision", both, real) == pytest.approx(0.5, abs=0.1)
    assert score("prdc-coverage", half, real) < 0.75 < score("prdc-coverage", normal[0][:400], real)
    assert score("prdc-density", normal[0][:400], real) == pytest.approx(1, abs=0.2)


def test_morphology_counts_what_is_there():
    label = np.zeros((2, 12, 12), np.uint8)
    label[0, 2, 1:9] = 1  # a line of eight
    label[0, 8, 1:5] = 1  # and one of four
    found = morphology.measure(label)
    assert found["fraction"].tolist() == [12 / 144, 0]
    assert found["components"].tolist() == [2, 0]
    assert sorted(found["length"].tolist()) == [4, 8]
    assert found["radius"].tolist() == [0.5] * 12


def test_branches_end_at_junctions():
    label = np.zeros((1, 15, 15), np.uint8)
    label[0, 7, 1:14] = 1
    label[0, 8:14, 7] = 1  # a T
    assert len(morphology.measure(label)["length"]) == 3


def test_label_agreement_sees_labels_that_lie_elsewhere():
    metric = METRICS["label-agreement"]()
    real, other = patients(4, 15, seed=0), patients(4, 15, seed=1)
    array = other.take(np.arange(len(other)))
    wrong = array.copy()
    wrong[:, 1] = np.roll(array[:, 1], 5, axis=-1)
    right, misplaced = (
        metric.score(as_patches(a), real, features=None, seed=0).value for a in (array, wrong)
    )
    assert right > 0.8
    assert misplaced < 0.6


def test_membership_auc_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    members, strangers = rng.integers(0, 4, 60).astype(float), rng.integers(0, 4, 45).astype(float)
    owner = [np.repeat(np.arange(3), n // 3) for n in (60, 45)]
    value, interval = _auc(members, strangers, *owner, rng)
    pairs = members[:, None] - strangers
    assert value == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert interval[0] <= value <= interval[1]
    assert _auc(members, strangers, owner[0], np.zeros(45, int), rng)[1] is None


@pytest.mark.parametrize("subjects", [(3, 3), (5, 4), (12, 8)], ids=str)
@pytest.mark.parametrize("between", [0.0, 1.0])
def test_a_membership_auc_that_means_nothing_lights_no_alarm(subjects, between):
    """Members and strangers of one distribution, whose subjects differ: at most 2.5 % alarms."""
    rng = np.random.default_rng(0)
    alarms, missed, repeats = 0, 0, 150
    for _ in range(repeats):
        scores = [
            (rng.normal(0, between, (n, 1)) + rng.normal(size=(n, 20))).ravel() for n in subjects
        ]
        _, (low, high) = _auc(*scores, *(np.repeat(np.arange(n), 20) for n in subjects), rng)
        alarms += low > 0.5
        missed += not low <= 0.5 <= high
    assert alarms <= 0.05 * repeats  # by chance up to twice the rate
    assert missed <= 0.08 * repeats


def test_a_membership_auc_of_leaks_in_every_subject_lights_the_alarm():
    rng = np.random.default_rng(0)
    members, strangers = rng.normal(0.8, 1, 5 * 40), rng.normal(0, 1, 4 * 40)
    value, (low, _) = _auc(members, strangers, *(np.repeat(np.arange(n), 40) for n in (5, 4)), rng)
    assert 0.5 < low < value < 0.8
