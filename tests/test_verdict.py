"""The verdict: an alarm of any score, the worst patient, each flagged patch once."""

from typing import Any

from vbench.audit.verdict import Flag, PatientRisk, verdict


def _flag(patch: int, similarity: float, subject: int = 0) -> dict[str, Any]:
    return {
        "patch": patch,
        "subject": subject,
        "training_patch": 9,
        "similarity": similarity,
        "kind": "copy",
    }


def test_one_alarm_among_many_scores_is_an_alarm() -> None:
    found = verdict({"a": {"value": 1.0, "alarm": False}, "b": {"value": 0.4, "alarm": True}})
    assert (found.word, found.alarms) == ("alarm", ("b",))


def test_scores_without_an_alarm_are_none() -> None:
    assert verdict({"a": {"value": 1.0, "alarm": False}}).word == "no alarm"


def test_nothing_computed_is_not_judged() -> None:
    assert verdict({}).word == "not judged"
    assert verdict({"a": {"value": None, "fault": "ValueError: …"}}).word == "not judged"


def test_the_worst_patient_is_of_any_score() -> None:
    found = verdict(
        {
            "a": {"value": 0.1, "patients": [{"subject": 0, "value": 0.2, "ci95": None}]},
            "b": {"value": 0.1, "patients": [{"subject": 2, "value": 0.7, "ci95": [0.5, 0.9]}]},
        }
    )
    assert found.worst == PatientRisk(2, 0.7, (0.5, 0.9), "b")


def test_what_may_be_chance_does_not_hide_the_patient_who_was_found() -> None:
    found = verdict(
        {
            "vague": {"value": 0.1, "patients": [{"subject": 0, "value": 0.2, "ci95": [0.0, 0.5]}]},
            "sure": {"value": 0.1, "patients": [{"subject": 2, "value": 0.1, "ci95": [0.05, 0.2]}]},
        }
    )
    assert found.worst is not None
    assert (found.worst.subject, found.worst.metric) == (2, "sure")


def test_a_patch_that_two_scores_flag_is_listed_once_with_the_nearer_match() -> None:
    found = verdict(
        {
            "a": {"value": 0.1, "flagged": [_flag(3, 0.8), _flag(1, 0.7)]},
            "b": {"value": 0.1, "flagged": [_flag(3, 0.95, subject=4)]},
        }
    )
    assert found.flagged == (Flag(3, 4, 9, 0.95, "copy"), Flag(1, 0, 9, 0.7, "copy"))
