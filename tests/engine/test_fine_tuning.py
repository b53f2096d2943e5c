"""Fine-tuning chooses among its own states and the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.engine.store import Store
from vbench.engine.tuning import Trial
from vbench.engine.weights import load_weights, save_weights
from vbench.records.training import FitSegmenterInputs, FitSegmenterResult

#: A rate below 0 leads away from what is to be learnt.
UNLEARNS = {"params": {"rate": -3.0}}


def changes(**transfer: Any) -> dict[str, Any]:
    regimes = {"real": True, "transfer": {"subjects": [1], "pretrain": ["real"], **transfer}}
    return {"regimes": regimes, "generators": [], "tune": {"validations": 2}}


def trained(folder: Path, arm: str, **transfer: Any) -> tuple[FitSegmenterResult, Any]:
    """Run, and return what a training of the arm found, and the weights that it kept."""
    plan, store = toy_plan(**changes(**transfer)), Store(folder / "store")
    assert api.run(toy_spec(**changes(**transfer)), folder, tracking=False, workers=1).ok
    (key,) = next(each for each in plan.arms if each.name == arm).trials[0]
    file = store.artifacts(key) / "weights.safetensors"
    return store.result(key, FitSegmenterResult), load_weights(file)


def test_where_fine_tuning_unlearns_the_start_is_kept(tmp_path: Path) -> None:
    first, pretrained = trained(tmp_path, "real", **UNLEARNS)
    found, kept = trained(tmp_path, "transfer/real/n1", **UNLEARNS)
    assert [seen.step for seen in found.validation] == [0, 2, 4]
    assert found.best_step == 0
    assert found.score == found.validation[0].score > found.validation[1].score
    np.testing.assert_array_equal(kept["level"], pretrained["level"])
    assert [seen.step for seen in first.validation] == [2, 4]


def test_the_start_is_validated_and_the_better_state_kept_where_it_learns(tmp_path: Path) -> None:
    found, _ = trained(tmp_path, "transfer/real/n1")
    scores = {seen.step: seen.score for seen in found.validation}
    assert list(scores) == [0, 2, 4]
    assert found.score == max(scores.values()) == scores[found.best_step or 0]


def test_a_pruner_compares_trainings_at_their_marks_not_at_the_start(tmp_path: Path) -> None:
    found, _ = trained(tmp_path, "transfer/real/n1")
    (key,) = next(a for a in toy_plan(**changes()).arms if a.name == "transfer/real/n1").trials[0]
    seen = Trial.from_record(Store(tmp_path / "store").record(key)).curve
    assert list(seen) == [(i, v.score) for i, v in enumerate(found.validation[1:])]
    scratch = next(a for a in toy_plan(**changes()).arms if a.name == "real").trials[0]
    assert len(Trial.from_record(Store(tmp_path / "store").record(scratch[0])).curve) == 2


def test_given_weights_that_do_not_train_have_no_start(tmp_path: Path) -> None:
    file = tmp_path / "toy.safetensors"
    save_weights(file, {"level": np.zeros(2, np.float32)})
    given = {"subjects": [0, 1], "weights": {"toy": str(file)}}
    plan = toy_plan(regimes={"pretrained": given}, generators=[])
    found = {
        arm.name: plan.jobs[arm.trials[0][0]].inputs_as(FitSegmenterInputs).start_counts
        for arm in plan.arms
    }
    assert found["pretrained/toy/n0"] is None
    assert found["pretrained/toy/n1"] is True


def test_a_training_from_scratch_has_the_key_that_it_had() -> None:
    plan = toy_plan(**changes())
    for arm in plan.arms:
        inputs = plan.jobs[arm.trials[0][0]].inputs_as(FitSegmenterInputs)
        assert ("start_counts" in inputs.to_json()) == arm.name.startswith("transfer/")
