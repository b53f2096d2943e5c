"""Fine-tuning chooses among its own states and the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.engine.store import Store
from vbench.engine.weights import load_weights
from vbench.records.stages import FitSegmenterInputs, FitSegmenterResult

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


def test_a_training_from_scratch_has_the_key_that_it_had() -> None:
    plan = toy_plan(**changes())
    for arm in plan.arms:
        inputs = plan.jobs[arm.trials[0][0]].inputs_as(FitSegmenterInputs)
        assert ("start_counts" in inputs.to_json()) == arm.name.startswith("transfer/")
