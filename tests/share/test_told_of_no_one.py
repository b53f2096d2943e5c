"""Of whom a set is made, and what of its audit is shared, in words and numbers that name no one."""

from __future__ import annotations

from vbench.share.export import shared_scores
from vbench.share.words import learnt


def test_of_an_audit_only_what_tells_of_no_one_is_shared() -> None:
    score = {
        "value": 0.5, "defined": True, "alarm": False, "ci95": [0.4, 0.6], "features": "bank",
        "raw": 0.1, "tpr_ci95": [0.0, 0.1], "fault": "OSError: /data/x", "by_patient": [1.0, 2.0],
        "patients": [{"subject": 0}], "flagged": [], "nearest": {"3": 4}, "floor": None,
    }  # fmt: skip
    shared = shared_scores({"privacy": {"m": score}})["privacy"]["m"]
    assert set(score) - set(shared) == {"fault", "by_patient", "patients", "flagged", "nearest"}


def test_a_generator_is_said_to_have_learnt_from_those_it_learnt_from() -> None:
    assert learnt("patches", 6, True) == "patches of 6 patients."
    assert learnt("patches", 1, False).startswith("patches of 1 phantom. Phantoms are made")
    assert "no single patch" in learnt("summary", 6, True)
    assert "6" not in learnt("nothing", 6, True)
