"""The audit as a whole: copies light every alarm, noise none, and every value has its scale."""

from __future__ import annotations

import json

import numpy as np
import pytest
from patients import as_patches, patients

from vbench import Score, registry
from vbench.audit import NoisePatches, audit_patches
from vbench.interfaces import FidelityMetric
from vbench.types import Setup

METRICS = {f: registry.default().metrics(f) for f in ("fidelity", "privacy")}
#: Those that fit a network have tests of their own.
QUICK = {
    "fidelity": METRICS["fidelity"],
    "privacy": {name: cls for name, cls in METRICS["privacy"].items() if name != "learned-copies"},
}
#: Thinning takes longest.
FEWER = {"morphology": {"patches": 16}}
TRAINING, HELDOUT = patients(5, 40, seed=0), patients(4, 40, seed=1)


def audit(synthetic, family: str, training=TRAINING, heldout=HELDOUT):
    chosen = {family: metrics(family)}
    return audit_patches(synthetic, training, heldout, seed=0, **chosen)[family]


def metrics(family: str):
    return [cls(cls.Params(**FEWER.get(name, {}))) for name, cls in QUICK[family].items()]


def generated(name: str, training, n: int):
    cls = registry.default().generator(name)
    generator = cls(cls.Params(), Setup(size=training.size))
    for _ in generator.fit(training, seed=0):
        pass
    return as_patches(generator.sample(n, seed=1))


def turned(patches):
    array = patches.take(np.arange(len(patches)))
    return as_patches(np.swapaxes(array[:, :, ::-1], -1, -2))


ALARMED = ["copies", "nn-ratio", "near-copies", "membership-auc"]


@pytest.mark.parametrize("subjects", [(5, 4), (2, 1), (1, 1)], ids=str)
def test_copies_light_every_alarm_and_noise_none(subjects):
    training, heldout = patients(subjects[0], 40, seed=0), patients(subjects[1], 40, seed=1)
    for name, expected in (("copy", True), ("noise", False)):
        found = audit(generated(name, training, len(training)), "privacy", training, heldout)
        assert {metric: found[metric]["alarm"] for metric in ALARMED} == dict.fromkeys(
            ALARMED, expected
        )


def test_copies_and_noise_in_3d():
    training, heldout = (patients(3, 16, seed=s, size=(8, 8, 8)) for s in (0, 1))
    for name, expected in (("copy", True), ("noise", False)):
        found = audit(generated(name, training, len(training)), "privacy", training, heldout)
        assert {metric: found[metric]["alarm"] for metric in ALARMED} == dict.fromkeys(
            ALARMED, expected
        )


def test_mirrored_and_rotated_copies_light_every_alarm():
    found = audit(turned(TRAINING), "privacy")
    assert all(found[metric]["alarm"] for metric in ALARMED)
    assert found["copies"]["value"] == 1
    assert {flag["kind"] for flag in found["copies"]["flagged"]} == {"verbatim"}


def test_patches_of_new_patients_light_no_alarm():
    found = audit(patients(8, 25, seed=2), "privacy")
    assert not any(found[metric]["alarm"] for metric in ALARMED)
    assert found["nn-ratio"]["value"] > 0.8
    assert found["near-copies"]["value"] < 0.1


def test_copies_hidden_from_one_descriptor_are_found_by_another():
    array = TRAINING.take(np.arange(len(TRAINING)))
    array[:, 0] *= -1  # another shape, the same spectrum
    array[:, 1] = 0
    found = audit(as_patches(array), "privacy")
    assert all(found[metric]["alarm"] for metric in ALARMED)
    assert found["copies"]["spectrum"] > 0.9 > 0.1 > found["copies"]["label"]


def test_partial_copies_are_found():
    array = patients(5, 40, seed=3).take(np.arange(200))
    array[:60] = TRAINING.take(np.arange(0, 180, 3))
    found = audit(as_patches(array), "privacy")["near-copies"]
    assert found["alarm"]
    assert found["value"] == pytest.approx(0.3, abs=0.15)


def test_every_fidelity_value_lies_on_its_scale():
    found = audit(patients(5, 40, seed=2), "fidelity")
    assert set(found) == set(METRICS["fidelity"])
    for name, entry in found.items():
        cls = METRICS["fidelity"][name]
        sign = 1 if cls.higher_is_better else -1
        assert entry["defined"], name
        assert sign * entry["floor"] > sign * entry["ceiling"], name
        # Another draw of the same population is well away from the ceiling;
        # a classifier tells five patients from five others whatever they are.
        scale = abs(entry["ceiling"] - entry["floor"])
        assert name == "c2st" or abs(entry["value"] - entry["floor"]) < 0.6 * scale, name


def test_noise_scores_as_the_ceiling():
    found = audit(NoisePatches(TRAINING, len(TRAINING), seed=5), "fidelity")
    for name, entry in found.items():
        scale = abs(entry["floor"] - entry["ceiling"])
        assert entry["value"] == pytest.approx(entry["ceiling"], abs=0.2 * scale), name


def test_the_seed_decides_and_the_result_is_plain_json():
    synthetic = patients(2, 30, seed=4)
    once, twice = (audit(synthetic, "privacy") for _ in range(2))
    assert json.dumps(once) == json.dumps(twice)


def test_a_metric_that_raises_costs_its_own_value_only():
    class Broken(FidelityMetric):
        name = "broken"

        def score(self, synthetic, real, *, features, seed):
            raise RuntimeError("no such thing")

    class Plain(FidelityMetric):
        name = "plain"

        def score(self, synthetic, real, *, features, seed):
            return float(len(synthetic))

    class Infinite(FidelityMetric):
        name = "infinite"

        def score(self, synthetic, real, *, features, seed):
            return Score(float("nan"))

    found = audit_patches(
        TRAINING, TRAINING, HELDOUT, fidelity=[Broken(), Plain(), Infinite()], seed=0
    )["fidelity"]
    assert found["broken"]["fault"] == "RuntimeError: no such thing"
    assert found["broken"]["value"] is None
    assert "nan" in found["infinite"]["fault"]
    on_scale = {"value": 160.0, "floor": 160.0, "ceiling": 160.0, "defined": True}
    assert found["plain"] == {**on_scale, "features": "filter-bank"}


def test_privacy_is_not_seen_through_features_fitted_on_the_training_patches():
    known = {patch.tobytes() for patch in TRAINING.take(np.arange(len(TRAINING)))}

    class Overfitted:
        """Tells training patches from all others."""

        name, fitted = "overfitted", True

        def __call__(self, patches):
            return np.array([[float(patch.tobytes() in known), 1.0] for patch in patches])

    every = {family: metrics(family) for family in QUICK}
    fresh = patients(5, 40, seed=2)
    found = audit_patches(fresh, TRAINING, HELDOUT, seed=0, features=Overfitted(), **every)
    assert found["privacy"] == audit(fresh, "privacy")
    assert {entry["features"] for entry in found["privacy"].values()} == {"filter-bank"}
    assert {entry["features"] for entry in found["fidelity"].values()} == {"overfitted"}
