"""Utility against leakage: what is put on either axis, and which arms are there."""

from __future__ import annotations

import pytest
from fabricate import fabricate

from vbench.analysis.folder import read_results
from vbench.analysis.leaderboard import leaderboard as build
from vbench.figures.leakage import leakage, strongest_score

ARMS = {"real": 0.9, "synthetic/a": 0.8, "synthetic/b": 0.7, "mixed/a": 0.9, "scratch/n1": 0.8}
BETTER = {"nn-ratio": True, "near-copies": False, "auc": False, "odd": None}


def scored(**entries):
    privacy = {
        name.replace("_", "-"): {"value": value, "floor": floor, "ceiling": ceiling}
        for name, (value, floor, ceiling) in entries.items()
    }
    return strongest_score({"privacy": privacy}, BETTER.get)


@pytest.mark.parametrize(
    ("entries", "at", "by"),
    [
        ({"nn_ratio": (0.75, 1.0, 0.0), "auc": (0.6, 0.5, 1.0)}, 0.25, "nn-ratio"),
        ({"nn_ratio": (0.75, 1.0, 0.0), "auc": (0.9, 0.5, 1.0)}, 0.8, "auc"),
        ({"nn_ratio": (1.2, 1.0, 0.0)}, 0.0, "nn-ratio"),
        ({"near_copies": (1.1, 0.01, 1.0)}, 1.0, "near-copies"),
        ({"odd": (3.0, 2.0, 4.0)}, 0.5, "odd"),
    ],
)
def test_the_strongest_score_lies_between_unseen_patients_and_copies(entries, at, by):
    value, _, says = scored(**entries)
    assert value == pytest.approx(at)
    assert says.startswith(f"{by} ")


@pytest.mark.parametrize(
    "entry",
    [(0.5, None, 0.0), (0.5, 1.0, None), (None, 1.0, 0.0), (0.5, 1.0, 1.0), (0.98, 1.0, 1.01)],
    ids=["no floor", "no ceiling", "no value", "no scale", "copies leak less than unseen patients"],
)
def test_a_score_without_a_scale_is_no_leakage(entry):
    assert scored(nn_ratio=entry) is None


@pytest.fixture
def made(tmp_path):
    made = fabricate(tmp_path, truth=ARMS, seeds=(0,), n_test=2, failed=None)
    made.privacy("synthetic/a")["nn-ratio"] |= {"value": 0.7, "ceiling": 0.0, "ci95": [0.6, 0.8]}
    return made


def figures(made):
    made.rewrite()
    results = read_results(made.folder)
    return leakage(results, build(results))


def test_arms_that_share_synthetic_patches_have_a_mark_and_the_others_none(made):
    made.privacy("synthetic/b")["nn-ratio"] |= {"value": 1.0, "ceiling": 0.0, "alarm": True}
    (figure,) = figures(made)
    rows = {row["name"]: row for row in figure.chart["datasets"]["marks"]}
    assert set(rows) == {"synthetic/a", "synthetic/b"}
    assert rows["synthetic/a"]["x"] == pytest.approx(0.3)
    assert (rows["synthetic/a"]["left"], rows["synthetic/a"]["right"]) == pytest.approx((0.2, 0.4))
    assert [rows[name]["group"] for name in rows] == ["no alarm", "alarm"]
    assert [line["name"] for line in figure.chart["datasets"]["references"]] == ["real"]


def test_an_arm_whose_leakage_is_not_known_is_named_below_the_chart(made):
    (figure,) = figures(made)
    assert "Without a mark, since their leakage is not known: synthetic/b." in figure.caption


def test_the_worst_patient_has_a_chart_and_is_not_named_in_it(made):
    made.privacy("synthetic/b")["nn-ratio"]["patients"] = [
        {"subject": 1, "value": 0.4, "ci95": [0.3, 0.5]}
    ]
    patient, score = figures(made)
    assert patient.title == "Utility against risk of the worst patient"
    (row,) = patient.chart["datasets"]["marks"]
    assert (row["x"], row["left"], row["right"]) == (0.4, 0.3, 0.5)
    assert "source-01" not in str([patient.chart, patient.caption, score.chart])


def test_without_an_audit_there_is_no_chart(tmp_path):
    made = fabricate(tmp_path, truth=ARMS, seeds=(0,), n_test=1, failed=None, audit=False)
    assert figures(made) == []
