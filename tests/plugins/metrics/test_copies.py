"""Copies are found and named under what people do to hide them, and unseen patients are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from patients import as_patches, patients
from scipy import ndimage
from vbench_plugins.metrics.competition import find_outliers, margins
from vbench_plugins.metrics.copies import Copies
from vbench_plugins.metrics.structure import Matches

SIZE = (10, 10, 10)
TRAINING, HELDOUT = patients(6, 60, seed=0, size=SIZE), patients(5, 60, seed=1, size=SIZE)
UNSEEN = patients(6, 60, seed=2, size=SIZE).take(np.arange(360))
MEMBERS = TRAINING.take(np.arange(len(TRAINING)))


def score(array: np.ndarray):
    found = Copies().score(as_patches(array), TRAINING, HELDOUT, features=None, seed=0)
    return found.value, dict(found.details or {})


def image(array: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    out = array.copy()
    out[:, 0] = change(out[:, 0]).clip(-1, 1)
    return out


RNG = np.random.default_rng(0)
DISGUISES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda a: a,
    "gain": lambda a: image(a, lambda x: 0.8 * (x + 1) - 1),
    "offset": lambda a: image(a, lambda x: 0.7 * x + 0.2),
    "gamma": lambda a: image(a, lambda x: 2 * ((x.clip(-1, 1) + 1) / 2) ** 0.7 - 1),
    "noise": lambda a: image(a, lambda x: x + RNG.normal(0, 0.1, x.shape)),
    "blur": lambda a: image(a, lambda x: ndimage.gaussian_filter(x, (0, 0.7, 0.7, 0.7))),
    "negative": lambda a: image(a, lambda x: -x),
    "mirrored": lambda a: a[:, :, ::-1],
    "turned": lambda a: np.rot90(a, axes=(3, 4)),
    "mirrored, gain, noise": lambda a: image(
        a[..., ::-1], lambda x: 0.8 * x + RNG.normal(0, 0.05, x.shape)
    ),
    "another label": lambda a: np.stack([a[:, 0], np.roll(a[:, 1], 4, axis=1)], axis=1),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_third_of_disguised_copies_is_found(disguise):
    array = UNSEEN.copy()
    array[::3] = DISGUISES[disguise](MEMBERS[::3])
    value, details = score(array)
    assert details["alarm"]
    assert value > 0.2
    copied = {flag["patch"] for flag in details["flagged"]}
    assert len(copied & set(range(0, 360, 3))) > 0.9 * len(copied)


def test_unseen_patients_are_no_copies_whatever_is_done_to_them():
    for disguise in DISGUISES.values():
        value, details = score(np.ascontiguousarray(disguise(UNSEEN)))
        assert (value, details["alarm"]) == (0, False)


def test_one_verbatim_patch_among_all_is_named_with_its_patient():
    array = UNSEEN.copy()
    array[200] = MEMBERS[130][:, ::-1]
    value, details = score(array)
    assert value == pytest.approx(1 / 360)
    (flag,) = details["flagged"]
    assert (flag["patch"], flag["subject"], flag["training_patch"]) == (200, 2, 130)
    assert flag["kind"] == "verbatim"
    assert flag["similarity"] > 0.999


def test_the_patient_who_was_copied_is_the_worst():
    array = UNSEEN.copy()
    array[:40] = MEMBERS[3 * 60 : 3 * 60 + 40]
    risks = {p["subject"]: p for p in score(array)[1]["patients"]}
    assert risks[3]["value"] == pytest.approx(40 / 60)
    assert risks[3]["ci95"][0] < 40 / 60 < risks[3]["ci95"][1]
    assert max(risk["value"] for who, risk in risks.items() if who != 3) <= 1 / 60


def test_wins_of_training_patients_that_decoys_match_are_chance():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        near, far = (
            Matches(np.tanh(rng.normal(0.5, 0.2, (400, n))), np.zeros((400, n), int), np.zeros(0))
            for n in (6, 5)
        )
        alarms += len(find_outliers(near, far, np.array([0.0]), "shape", 0.05).patch) > 0
    assert alarms <= 6


def test_patients_who_were_held_out_are_never_flagged():
    value, details = score(HELDOUT.take(np.arange(len(HELDOUT))))
    assert (value, details["flagged"]) == (0, [])


def test_the_margin_is_over_the_middle_or_the_second_of_those_who_take_part():
    near, far = (
        Matches(np.tanh(np.array(z)), np.zeros((1, 2), int), np.zeros(0))
        for z in ([[0.9, 0.1]], [[0.2, 0.7]])
    )
    assert margins(near, far)[0] == pytest.approx(0.9 - 0.45)
    assert margins(near, far, rival="second")[0] == pytest.approx(0.2)
    assert margins(near, far, np.array([1]), "second")[0] == pytest.approx(0.7)
    alone = Matches(np.array([[0.5]]), np.zeros((1, 1), int), np.zeros(0))
    assert margins(alone, alone, np.array([0]), "second")[0] == 0
