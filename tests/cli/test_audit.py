"""``vbench audit`` of folders: what it prints, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import vbench
from patients import patients
from share_sets import arrays

SIZE = (8, 8)
TRAINING = patients(3, 30, seed=0, size=SIZE)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    arrays(folder / "A", TRAINING, names=lambda i: f"anna-{i}")
    arrays(folder / "B", patients(3, 30, seed=1, size=SIZE), names=lambda i: f"bert-{i}")
    arrays(folder / "copies", TRAINING)
    arrays(folder / "unseen", patients(4, 15, seed=2, size=SIZE))
    return folder


def audit(sets: Path, synthetic: str, *more: str):
    return vbench(
        *("audit", "--synthetic", sets / synthetic, "--training", sets / "A"),
        *("--heldout", sets / "B", *more),
    )


def test_no_alarm_is_exit_0_and_a_table(sets: Path) -> None:
    answer = audit(sets, "unseen")
    assert answer.code == 0, answer.err
    assert "60 synthetic patches of 8 × 8, 90 of 3 training patients" in answer.out
    assert "as good as can be" in answer.out
    assert "No alarm: " in answer.out
    assert "remark: 60 synthetic patches are few" in answer.err


def test_an_alarm_is_exit_1_and_json_says_which(sets: Path) -> None:
    answer = audit(sets, "copies", "--json")
    assert answer.code == 1, answer.err
    told = json.loads(answer.out)
    assert told["verdict"] == "alarm"
    assert "near-copies" in told["alarms"]
    assert set(told) == {
        "vbench", "verdict", "alarms", "worst", "patients", "flagged", "remarks", "privacy",
        "sets", "options",
    }  # fmt: skip


def test_worst_patient_and_flagged_patches_are_shown_by_name(sets: Path, monkeypatch) -> None:
    from vbench.share import folder_audit

    flag = {"subject": 2, "training_patch": 64, "similarity": 0.5, "kind": "verbatim"}
    entry = {"value": 1.0, "floor": 0.0, "ceiling": 1.0, "alarm": True}
    entry["patients"] = [{"subject": 2, "value": 0.5, "ci95": [0.25, 0.75]}]
    entry["flagged"] = [{**flag, "patch": patch} for patch in range(12)]
    monkeypatch.setattr(folder_audit, "_scores", lambda *sides: {"near": entry})
    answer = audit(sets, "copies")
    assert answer.code == 1
    assert "ALARM: the set gives training patients away, by near." in answer.out
    assert "worst patient: anna-2, 0.5 (0.25 to 0.75) by near" in answer.out
    assert "images.npy[9]  is anna-2's images.npy[64]  (verbatim, similarity 0.500)" in answer.out
    assert "images.npy[10]" not in answer.out
    assert "… and 2 more" in answer.out


def test_nothing_scored_and_a_crash_are_exit_2(sets: Path, monkeypatch) -> None:
    from vbench.share import folder_audit

    broken = {"value": None, "floor": None, "ceiling": None, "fault": "ValueError: no"}
    monkeypatch.setattr(folder_audit, "_scores", lambda *sides: {"near": broken})
    answer = audit(sets, "unseen")
    assert answer.code == 2
    assert "Not judged" in answer.out
    assert "near could not be computed: ValueError: no" in answer.err

    def crash(*sides: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(folder_audit, "_scores", crash)
    answer = audit(sets, "unseen")
    assert (answer.code, answer.err) == (2, "vbench: cannot be judged: RuntimeError: out of luck\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["audit"], "name FOLDER, or --synthetic"),
        (["audit", "x", "--training", "A"], "not both"),
        (["audit", "--synthetic", "C", "--training", "A"], "--heldout missing"),
        (
            ["audit", "--synthetic", "C", "--training", "A", "--heldout", "B", "--size", "big"],
            "'big': expected voxels",
        ),
        (
            ["audit", "--synthetic", "C", "--training", "A", "--heldout", "B", "--size", "2,2"],
            "size 2 × 2: expected 2 or 3 edges",
        ),
        (
            ["audit", "--synthetic", "C", "--training", "A", "--heldout", "B"],
            "C: no such file or folder; check the path",
        ),
    ],
)
def test_a_wrong_call_is_exit_2(words: list[str], message: str) -> None:
    answer = vbench(*words)
    assert answer.code == 2
    assert message in answer.err
