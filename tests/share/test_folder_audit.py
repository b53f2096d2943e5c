"""Any three folders are judged, or refused in one line that says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import nnunet
from patients import patients
from share_sets import arrays, scans

import vbench
from vbench.errors import DataError

SIZE = (8, 8)
TRAINING, HELDOUT = patients(3, 30, seed=0, size=SIZE), patients(3, 30, seed=1, size=SIZE)
UNSEEN = patients(4, 15, seed=2, size=SIZE)


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    return {
        "synthetic": arrays(tmp_path / "C", UNSEEN),
        "training": arrays(tmp_path / "A", TRAINING, names=lambda i: f"anna-{i}"),
        "heldout": arrays(tmp_path / "B", HELDOUT, names=lambda i: f"bert-{i}"),
    }


def rewritten(folder: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(folder / name, change(np.load(folder / name)))


def test_unseen_patients_raise_no_alarm(sets) -> None:
    found = vbench.audit_folders(**sets)
    assert found.verdict.word == "no alarm"
    assert found.sets["training"]["patients"] == {"anna-0": 30, "anna-1": 30, "anna-2": 30}
    assert found.options["size"] == [8, 8]
    assert any("60 synthetic patches are few" in remark for remark in found.remarks)


DISGUISES = {
    "none": lambda x: x,
    "0 to 255": lambda x: np.rint((x + 1) * 127.5).astype(np.uint8),
    "0 to 1": lambda x: (x + 1) / 2,
    "z-score": lambda x: (x - x.mean()) / x.std(),
    "gain 0.7": lambda x: 0.7 * x,
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_copies_are_an_alarm_in_any_range(sets, disguise) -> None:
    arrays(sets["synthetic"], TRAINING, change=disguise)
    assert vbench.audit_folders(**sets).verdict.word == "alarm"


def poisoned(images: np.ndarray) -> np.ndarray:
    images = images.copy()
    images[5, 2, 2] = np.nan
    return images


REFUSED: dict[str, tuple[Callable[[dict[str, Path]], object], str]] = {
    "NaN in synthetic": (
        lambda s: rewritten(s["synthetic"], "images.npy", poisoned),
        r"C: images.npy\[5\] has values that are NaN",
    ),
    "NaN in training": (
        lambda s: rewritten(s["training"], "images.npy", poisoned),
        r"A: images.npy\[5\] has values",
    ),
    "other size": (
        lambda s: arrays(s["synthetic"], patients(2, 20, seed=0, size=(12, 12))),
        r"C 12 × 12, .*A 8 × 8",
    ),
    "3D against 2D": (
        lambda s: arrays(s["synthetic"], patients(2, 20, seed=0, size=(8, 8, 8))),
        "differ in size",
    ),
    "few patches": (
        lambda s: arrays(s["synthetic"], patients(1, 19, seed=0, size=SIZE)),
        "19 synthetic patches; 20 or more",
    ),
    "one image": (
        lambda s: rewritten(s["synthetic"], "images.npy", lambda x: np.repeat(x[:1], 60, 0)),
        "all 60 images are the same",
    ),
    "constant images": (
        lambda s: rewritten(s["synthetic"], "images.npy", np.zeros_like),
        "every image is of one grey value",
    ),
    "no vessel": (
        lambda s: rewritten(s["synthetic"], "labels.npy", np.zeros_like),
        "C: no label has a vessel voxel",
    ),
    "probabilities": (
        lambda s: rewritten(s["synthetic"], "labels.npy", lambda x: x * 0.3),
        "threshold probabilities",
    ),
    "labels as images": (
        lambda s: rewritten(s["synthetic"], "images.npy", lambda _: np.load(
            s["synthetic"] / "labels.npy")),
        "two values only",
    ),
    "objects": (
        lambda s: np.save(s["synthetic"] / "images.npy", np.array([{}]), allow_pickle=True),
        "not a NumPy array of numbers",
    ),
    "other labels": (
        lambda s: rewritten(s["training"], "labels.npy", lambda x: x[:-1]),
        "give each image its label",
    ),
    "nobody's patches": (
        lambda s: (s["training"] / "subjects.npy").unlink(),
        "nothing says whose the patches are",
    ),
    "one training patient": (
        lambda s: rewritten(s["training"], "subjects.npy", lambda x: np.repeat(x[:1], 90)),
        r"1 training patient \(anna-0\); 2 or more",
    ),
    "one held-out patient": (
        lambda s: rewritten(s["heldout"], "subjects.npy", lambda x: np.repeat(x[:1], 90)),
        "1 held-out patient",
    ),
    "too few names": (
        lambda s: rewritten(s["heldout"], "subjects.npy", lambda x: x[1:]),
        "89 subjects for 90 patches",
    ),
    "a patient on both sides by name": (
        lambda s: rewritten(s["heldout"], "subjects.npy", lambda x: np.where(
            x == "bert-2", "anna-2", x)),
        "patient 'anna-2' is in .*A, too",
    ),
    "a patient on both sides under another name and gain": (
        lambda s: rewritten(s["heldout"], "images.npy", lambda x: np.concatenate(
            [x[:60], 100 + 50 * np.load(s["training"] / "images.npy")[:30]])),
        "of patient 'bert-2' are those of 'anna-0'",
    ),
    "nothing there": (lambda s: s.update(heldout=s["heldout"] / "none"), "no such file or folder"),
    "empty folder": (
        lambda s: (s["heldout"] / "new").mkdir() or s.update(heldout=s["heldout"] / "new"),
        "new: empty; expected images.npy",
    ),
    "no array in it": (
        lambda s: np.save(s["heldout"] / "images.npy", np.zeros((0, 8, 8))),
        r"images.npy: its shape is \(0, 8, 8\), it holds no patch",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused_in_one_line(sets, spoil, message: str) -> None:
    spoil(sets)
    with pytest.raises(DataError, match=message) as error:
        vbench.audit_folders(**sets)
    assert "\n" not in str(error.value)


@pytest.fixture
def unscored(monkeypatch):
    """Judge without scores: for what is decided before and after them."""
    from vbench.share import folder_audit

    scores = {
        "near": {
            "value": 0.5,
            "floor": 0.0,
            "ceiling": 1.0,
            "alarm": True,
            "patients": [{"subject": 1, "value": 0.25, "ci95": [0.1, 0.4]}],
            "flagged": [
                {"patch": 3, "subject": 1, "training_patch": 31, "similarity": 1.0, "kind": "v"}
            ],
        }
    }
    monkeypatch.setattr(folder_audit, "_scores", lambda *sides: scores)
    return scores


def test_patients_and_patches_are_named(sets, unscored) -> None:
    rewritten(sets["synthetic"], "images.npy", lambda x: np.concatenate([x[:1] * 0, x[1:]]))
    found = vbench.audit_folders(**sets)
    assert found.worst == "anna-1"
    (patch,) = found.flagged
    assert (patch.patch, patch.place) == (4, "images.npy[4]")  # 0 is of one grey value
    assert (patch.patient, patch.training_place) == ("anna-1", "images.npy[31]")
    told = found.to_json()
    assert told["worst"] == {
        "patient": "anna-1", "value": 0.25, "ci95": [0.1, 0.4], "metric": "near"
    }  # fmt: skip
    assert told["patients"] == {"near": {"anna-1": {"value": 0.25, "ci95": [0.1, 0.4]}}}
    assert told["privacy"]["near"] == {
        "value": 0.5, "floor": 0.0, "ceiling": 1.0, "alarm": True
    }  # fmt: skip


def test_weak_judgements_are_remarked(sets, unscored) -> None:
    rewritten(sets["heldout"], "subjects.npy", lambda x: np.where(x == "bert-2", "bert-1", x))
    (sets["synthetic"] / "labels.npy").unlink()
    remarks = "\n".join(vbench.audit_folders(**sets).remarks)
    assert "no labels in" in remarks
    assert "2 patients give no interval" in remarks


def test_a_set_of_few_images_is_remarked(sets, unscored) -> None:
    rewritten(sets["synthetic"], "images.npy", lambda x: np.repeat(x[:20], 3, 0))
    assert any("20 different images in 60" in r for r in vbench.audit_folders(**sets).remarks)


def test_numbers_of_patients_may_be_the_same_on_both_sides(sets, unscored) -> None:
    for side in ("training", "heldout"):
        rewritten(sets[side], "subjects.npy", lambda x: [int(name[-1]) for name in x])
    assert "taken for numbers of different people" in vbench.audit_folders(**sets).remarks[0]


def test_whole_volumes_and_patches_in_any_layout_fit_together(tmp_path: Path, unscored) -> None:
    training = nnunet(tmp_path / "A", 2)
    with pytest.raises(DataError, match="has the image or the label of 'case0'"):
        vbench.audit_folders(training, training, nnunet(tmp_path / "B", 2))
    unscored["near"]["flagged"] = []
    made = scans(tmp_path / "C", patients(2, 15, seed=0, size=(8, 8, 6)), 30)
    heldout = _others(tmp_path / "D")
    found = vbench.audit_folders(made, training, heldout, per_subject=25)
    assert found.options["size"] == [8, 8, 6]
    assert found.sets["training"]["patients"] == {"case0": 25, "case1": 25}
    assert any("whole volumes, cut at places" in remark for remark in found.remarks)
    found = vbench.audit_folders(training, training, heldout, per_subject=25)
    assert found.options["size"] == [16, 16, 8]
    assert found.sets["synthetic"]["patches"] == 50


def _others(folder: Path) -> Path:
    from datasets import save, scene

    for i in (5, 7):
        image, vessel, _ = scene(i, (24, 20, 14))
        save(folder / "imagesTr" / f"unseen{i}_0000.nii", image)
        save(folder / "labelsTr" / f"unseen{i}.nii", vessel)
    return folder
