"""The verdict of an arm over its seeds, and the name of the patient most at risk."""

from __future__ import annotations

import io
import json
import logging

import pytest
from fabricate import fabricate
from rich.console import Console

from vbench.analysis import table
from vbench.analysis.audits import audit_summary
from vbench.analysis.folder import read_results
from vbench.analysis.leaderboard import build_leaderboard
from vbench.analysis.verdicts import arm_verdict
from vbench.records.board import Row
from vbench.report.html import privacy
from vbench.report.words import summary

ARM = "synthetic/gan"


@pytest.fixture
def made(tmp_path):
    return fabricate(tmp_path, truth={"real": 0.9, ARM: 0.8}, seeds=(0, 1), n_test=2, failed=None)


def found(made, arm=ARM):
    """Return what a row says of an arm's privacy, as leaderboard.json has it."""
    made.rewrite()
    results = read_results(made.folder)
    planned = next(planned for planned in results.arms if planned.name == arm)
    return json.loads(json.dumps(arm_verdict(results, planned)))


def risks(*values):
    return [{"subject": i, "value": v, "ci95": [v / 2, v]} for i, v in enumerate(values)]


def test_no_alarm_needs_every_seed_and_an_alarm_only_one(made):
    assert found(made)["verdict"] == "no alarm"
    made.privacy(ARM, 1)["nn-ratio"]["alarm"] = True
    row = found(made)
    assert (row["verdict"], row["alarms"]) == ("alarm", ["nn-ratio"])
    assert row["verdicts"] == {"0": "no alarm", "1": "alarm"}
    made.records.remove(made.record(made.arm(ARM)["audit"]["0"]))
    assert found(made)["verdicts"] == {"0": "not judged", "1": "alarm"}
    assert found(made)["verdict"] == "alarm"
    made.privacy(ARM, 1)["nn-ratio"]["alarm"] = False
    assert found(made)["verdict"] == "not judged"


def samples_of(made, arm, seed):
    """Return the result of the samples that an arm's audit looked at, to be changed in place."""
    made.rewrite()
    results = read_results(made.folder)
    planned = next(planned for planned in results.arms if planned.name == arm)
    return made.record(results.chosen(planned, seed).samples.record.key)["result"]


@pytest.mark.parametrize("empty", [1.0, 0.995])
def test_no_alarm_about_labels_without_vessels_is_not_meaningful(made, empty):
    samples_of(made, ARM, 1)["empty_share"] = empty
    row = found(made)
    assert row["verdict"] == "not meaningful"
    assert row["verdicts"] == {"0": "no alarm", "1": "not meaningful"}
    made.privacy(ARM, 1)["nn-ratio"]["alarm"] = True
    assert found(made)["verdict"] == "alarm"
    made.privacy(ARM, 1)["nn-ratio"]["alarm"] = False
    samples_of(made, ARM, 1)["empty_share"] = 0.6
    assert found(made)["verdict"] == "no alarm"


def test_one_image_over_and_over_or_full_labels_are_not_meaningful_either(made):
    results = read_results(made.folder)
    chosen = results.chosen(next(arm for arm in results.arms if arm.name == ARM), 0)
    candidates = made.record(chosen.generator.record.key)["result"]["candidates"]
    candidates[chosen.candidate]["collapsed"] = "all samples are the same"
    assert found(made)["verdict"] == "not meaningful"
    candidates[chosen.candidate]["collapsed"] = None
    assert found(made)["verdict"] == "no alarm"
    samples_of(made, ARM, 0)["vessel_fraction"] = 1.0
    assert found(made)["verdict"] == "not meaningful"


def test_every_form_of_the_board_says_so_in_the_row(made):
    samples_of(made, ARM, 0)["empty_share"] = 1.0
    made.rewrite()
    board = build_leaderboard(made.folder)
    rows = {
        "md": next(x for x in table.markdown(board).splitlines() if ARM in x),
        "csv": next(x for x in table.to_csv(board).splitlines() if ARM in x),
        "latex": next(x for x in table.latex(board).splitlines() if ARM in x),
    }
    assert all("not meaningful" in row for row in rows.values()), rows
    words = Console(width=300, file=io.StringIO(), force_terminal=False)
    words.print(table.render_table(board))
    shown = words.file.getvalue().splitlines()
    assert "not meaningful" in next(line for line in shown if ARM in line)
    assert any("no alarm says nothing" in line for line in shown)
    assert f"give nobody away: {ARM}." in " ".join(summary(board))
    assert privacy(next(row for row in board["rows"] if row["arm"] == ARM)) == "not meaningful"


def test_an_arm_whose_audit_was_not_planned_failed_or_lost_its_scores_is_not_judged(made):
    for entry in made.privacy(ARM, 0).values():
        entry.update(value=None, fault="ValueError: x")
    assert found(made)["verdict"] == "not judged"
    made.record(made.arm(ARM)["audit"]["0"]).update(status="failed", result=None)
    assert found(made)["verdict"] == "not judged"
    made.arm(ARM)["audit"] = None
    assert found(made) == {
        "verdict": "not judged",
        "verdicts": {"0": "not judged", "1": "not judged"},
        "alarms": [],
        "worst_patient": None,
        "flagged": 0,
    }


def test_an_arm_that_shares_nothing_has_no_verdict(made):
    assert found(made, "real") == {}


def test_the_worst_patient_of_all_scores_and_seeds_is_named(made):
    made.privacy(ARM, 0)["membership-auc"]["patients"] = risks(0.1, 0.4)
    made.privacy(ARM, 1)["nn-ratio"]["patients"] = risks(0.0, 0.2, 0.6)
    assert found(made)["worst_patient"] == {
        "patient": "source-02",
        "value": 0.6,
        "ci95": [0.3, 0.6],
        "metric": "nn-ratio",
        "seed": 1,
    }


def test_a_patient_of_several_volumes_is_one_person(made):
    """Persons are counted as the audit's patches count them: in the order of their first volume."""
    audit = made.record(made.arm(ARM)["audit"]["0"])
    audit["inputs"]["groups"] = {"train": ["anna", "bert", "anna", "carl"], "heldout": ["x", "y"]}
    made.privacy(ARM, 0)["nn-ratio"]["patients"] = risks(0.0, 0.0, 0.7)
    assert found(made)["worst_patient"]["patient"] == "carl"


@pytest.mark.parametrize("subject", [-1, 4, 99])
def test_a_subject_that_is_none_of_the_training_patients_is_not_taken_for_one(made, subject):
    made.privacy(ARM, 0)["nn-ratio"]["patients"] = [{"subject": subject, "value": 1.0}]
    assert found(made)["worst_patient"]["patient"] == f"training patient {subject + 1}"


def test_a_patient_whose_volume_has_no_record_is_counted(made):
    train = made.record(made.arm(ARM)["audit"]["0"])["inputs"]["train"]
    made.records.remove(made.record(train[2]))
    made.privacy(ARM, 0)["nn-ratio"]["patients"] = risks(0.0, 0.0, 0.7)
    assert found(made)["worst_patient"]["patient"] == "training patient 3"


@pytest.mark.parametrize(
    "details",
    [
        {"patients": [{"subject": "anna", "value": 0.5}]},
        {"patients": [{"value": 0.5}]},
        {"patients": [0.5]},
        {"patients": [{"subject": 0, "value": None}]},
        {"patients": 7},
        {"flagged": [{"patch": 3}]},
    ],
)
def test_details_of_another_form_cost_the_patient_and_not_the_verdict(made, details, caplog):
    made.privacy(ARM, 0)["nn-ratio"] |= {"alarm": True, **details}
    with caplog.at_level(logging.WARNING):
        row = found(made)
    assert (row["verdict"], row["worst_patient"], row["flagged"]) == ("alarm", None, 0)
    assert f"{ARM}, seed 0: `patients` or `flagged`" in caplog.text


def test_thousands_of_flagged_patches_are_counted_and_left_to_the_records(made):
    flags = [
        {"patch": i, "subject": 0, "training_patch": i, "similarity": 0.99, "kind": "verbatim"}
        for i in range(5000)
    ]
    made.privacy(ARM, 0)["nn-ratio"] |= {
        "flagged": flags,
        "patients": risks(*[0.1] * 200),
        "of_each_patch": [0.5] * 2000,
        "thirds": [0.25, 0.5, 0.25],
        "pairs": [{"a": 1}, {"a": 2}],
    }
    made.privacy(ARM, 1)["nn-ratio"]["thirds"] = [0.75, 0.5, 0.25]
    assert found(made)["flagged"] == 5000
    results = read_results(made.folder)
    entry = audit_summary(results, results.arms[1])["privacy"]["nn-ratio"]
    assert not {"flagged", "patients", "of_each_patch", "pairs"} & set(entry)
    assert entry["thirds"] == [0.5, 0.5, 0.25]


def test_a_row_of_an_earlier_version_still_reads(made):
    from vbench.analysis import build_leaderboard

    made.privacy(ARM, 0)["nn-ratio"]["patients"] = risks(0.5)
    made.rewrite()
    row = next(row for row in build_leaderboard(made.folder)["rows"] if row["arm"] == ARM)
    assert Row.read(row, "x").to_json() == row
    new = ("verdict", "verdicts", "alarms", "worst_patient", "flagged")
    old = Row.read({name: value for name, value in row.items() if name not in new}, "x")
    assert (old.verdict, old.worst_patient, old.flagged) == (None, None, 0)
