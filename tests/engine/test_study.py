"""Trials are shown in a shared Optuna storage; orphans of a killed run are closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.engine.study import close_orphans, disconnect, open_trial
from vbench.records.training import FitSegmenterInputs

pytestmark = pytest.mark.usefixtures("warm_workers")


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
    tuned = dict(made.inputs_as(FitSegmenterInputs).trial_spec.defaults)
    open_trial(made, tuned, tmp_path / "store")
    open_trial(made, tuned, tmp_path / "another" / "store")

    def close(alive: bool) -> int:
        return close_orphans(
            target, tmp_path / "store", alive=lambda key: alive and key == made.key
        )

    assert close(alive=True) == 0
    assert close(alive=False) == 1
    (trials,) = studies(tmp_path).values()
    assert [t.state.name for t in trials] == ["FAIL", "RUNNING"]  # another store's is its own


def test_a_trial_whose_method_raises_is_closed(tmp_path: Path) -> None:
    spec = toy_spec(
        tune={"trials": 2}, segmenter__params={"fault": "raise"}, regimes={"real": True}
    )
    assert not api.run(spec, tmp_path, tracking=False).ok
    (trials,) = studies(tmp_path).values()
    assert [t.state.name for t in trials] == ["FAIL"]


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"])
def test_trials_are_shown_in_a_storage_of_the_spec(
    storage: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    if storage == "postgresql":
        url = request.getfixturevalue("postgresql")
    spec = toy_spec(tune={"trials": 3, "storage": url})
    assert api.run(spec, tmp_path / "out", workers=2, tracking=False).ok
    assert not (tmp_path / "out" / "optuna.journal").exists()
    kept = optuna.storages.get_storage(url)
    found = [kept.get_all_trials(study._study_id) for study in kept.get_all_studies()]
    disconnect(kept)
    assert [[t.state.name for t in trials] for trials in found] == [["COMPLETE"] * 3] * 2
    assert all(len(t.intermediate_values) == 4 for trials in found for t in trials)


def test_a_storage_that_cannot_be_reached_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = toy_plan(tune={"trials": 2})
    planned = next(job for job in plan.jobs.values() if job.stage == "fit-segmenter")
    study = f"sqlite:///{tmp_path}/no/such/folder/x.db"
    made = replace(planned, extra={"study": study})
    view = open_trial(made, {}, tmp_path)
    assert "did not take a trial" in caplog.text
    view.report(0, 0.5)
    view.close(0.5, pruned=False)
