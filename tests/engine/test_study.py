"""Trials are shown in a shared Optuna storage; orphans of a killed run are closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.engine.study import close_orphans, open_trial


def studies(out: Path) -> dict[str, list[optuna.trial.FrozenTrial]]:
    backend = optuna.storages.journal.JournalFileBackend(str(out / "optuna.journal"))
    storage = optuna.storages.JournalStorage(backend)
    return {s.study_name: storage.get_all_trials(s._study_id) for s in storage.get_all_studies()}


def test_each_arm_has_a_study_with_all_its_trials(tmp_path: Path) -> None:
    result = api.run(toy_spec(tune={"trials": 3}), tmp_path, tracking=False)
    found = studies(tmp_path)
    assert {name.rpartition("/")[0] for name in found} == {
        "toys/real/seed 0",
        "toys/synthetic/toy-generator/seed 0",
    }
    for trials in found.values():
        assert [t.state.name for t in trials] == ["COMPLETE"] * 3
        assert trials[0].params["segmenter.rate"] == 0.5
        assert len(trials[0].intermediate_values) == 4
    assert len({t.params["segmenter.rate"] for t in found[min(found)]}) == 3
    assert result.board["rows"][0]["best_params"]


def test_trials_that_a_killed_run_left_running_are_closed(tmp_path: Path) -> None:
    target = str(tmp_path / "optuna.journal")
    plan = toy_plan(tune={"trials": 2})
    planned = next(job for job in plan.jobs.values() if job.stage == "fit-segmenter")
    made = replace(planned, extra={"study": target})
    tuned = dict(made.inputs["asking"]["defaults"])
    open_trial(made, tuned)
    assert close_orphans(target, alive=lambda key: key == made.key) == 0
    assert close_orphans(target, alive=lambda key: False) == 1
    (trials,) = studies(tmp_path).values()
    assert trials[0].state.name == "FAIL"


def test_a_storage_that_cannot_be_reached_is_a_warning(tmp_path: Path) -> None:
    plan = toy_plan(tune={"trials": 2})
    planned = next(job for job in plan.jobs.values() if job.stage == "fit-segmenter")
    study = f"sqlite:///{tmp_path}/no/such/folder/x.db"
    made = replace(planned, extra={"study": study})
    with pytest.warns(UserWarning, match="did not take a trial"):
        view = open_trial(made, {})
    view.report(0, 0.5)
    view.close(0.5, pruned=False)
