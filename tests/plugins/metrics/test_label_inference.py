from __future__ import annotations

import numpy as np
import pytest
from vbench_plugins.metrics.label_inference import LabelInference

from vbench.audit import audit_patches
from vbench.data.patches import ArrayPatches
from vbench.types import Array, Score


def patients(count: int, rng: np.random.Generator, each: int = 10) -> ArrayPatches:
    """Noise with labels that nobody can see in it: only a copy gives them away."""
    images = rng.uniform(-1, 1, (count * each, 8, 8)).astype(np.float32)
    labels = (rng.random(images.shape) < 0.3).astype(np.uint8)
    subject = np.repeat(np.arange(count, dtype=np.int32), each)
    return ArrayPatches(images, labels, subject_index=subject)


def score(synthetic: Array, training: ArrayPatches, heldout: ArrayPatches) -> Score:
    made = ArrayPatches(synthetic[:, 0], synthetic[:, 1].astype(np.uint8))
    return LabelInference().score(made, training, heldout, features=None, seed=0)


def test_copies_give_labels_away_even_mirrored_and_dimmed() -> None:
    rng = np.random.default_rng(0)
    training, heldout = patients(6, rng), patients(6, rng)
    copies = training.take(np.arange(len(training)))[:, :, ::-1].copy()
    copies[:, 0] *= 0.5
    found = score(copies, training, heldout)
    details = found.details or {}
    assert found.value == pytest.approx(0.7, abs=0.05)  # 1 less what chance gives
    assert details["alarm"]
    assert details["dsc_members"] == pytest.approx(1)


def test_unseen_patients_give_nothing_away() -> None:
    rng = np.random.default_rng(1)
    training, heldout, unseen = (patients(6, rng) for _ in range(3))
    found = score(unseen.take(np.arange(len(unseen))), training, heldout)
    details = found.details or {}
    assert abs(found.value) < 0.1
    assert not details["alarm"]
    assert isinstance(details["ci95"], list)
    assert details["ci95"][0] < 0 < details["ci95"][1]


def test_an_audit_has_it_between_floor_and_ceiling() -> None:
    rng = np.random.default_rng(2)
    training, heldout, unseen = (patients(6, rng) for _ in range(3))
    entry = audit_patches(unseen, training, heldout, privacy=[LabelInference()], seed=0)
    found = entry["privacy"]["label-inference"]
    assert "fault" not in found
    assert found["ceiling"] > 0.5 > abs(found["value"])
    assert abs(found["floor"]) < 0.1


def test_two_patients_a_side_have_a_value_and_no_alarm() -> None:
    rng = np.random.default_rng(3)
    training, heldout = patients(2, rng), patients(2, rng)
    found = score(training.take(np.arange(len(training))), training, heldout)
    assert found.value > 0.5
    assert (found.details or {})["ci95"] is None
    assert not (found.details or {})["alarm"]
