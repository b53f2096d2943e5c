"""The ceiling of transfer: pre-training on real patches, for as many steps as on synthetic ones."""

from __future__ import annotations

from typing import Any

import pytest
from toy_benchmark import toy_plan

from vbench.engine.plan import Plan
from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs

BOTH: dict[str, Any] = {"subjects": [1], "pretrain": ["synthetic", "real"]}


def names(plan: Plan) -> set[str]:
    return {arm.name for arm in plan.arms}


def inputs(plan: Plan, arm: str) -> FitSegmenterInputs:
    found = next(a for a in plan.arms if a.name == arm)
    return plan.jobs[found.trials[0][0]].inputs_as(FitSegmenterInputs)


def start(plan: Plan, arm: str) -> FitSegmenterInputs:
    """Return the training that an arm starts from."""
    (key,) = inputs(plan, arm).initial
    return plan.jobs[key].inputs_as(FitSegmenterInputs)


def test_the_ceiling_starts_from_the_real_arm_and_is_fine_tuned_as_the_others() -> None:
    plan = toy_plan(regimes={"real": True, "transfer": BOTH})
    ceiling, other = (inputs(plan, f"transfer/{name}/n1") for name in ("real", "toy-generator"))
    real = next(arm for arm in plan.arms if arm.name == "real")
    assert list(ceiling.initial) == real.trials[0]
    for name in ("train", "val", "params", "patches", "validations", "metric"):
        assert getattr(ceiling, name) == getattr(other, name)
    (arm,) = (arm for arm in plan.arms if arm.name == "transfer/real/n1")
    assert (arm.regime, arm.generator, arm.n_subjects) == ("transfer", None, 1)


def test_the_ceiling_changes_the_key_of_no_other_arm() -> None:
    without = toy_plan(regimes={"real": True, "transfer": {"subjects": [1]}})
    more = toy_plan(regimes={"real": True, "transfer": BOTH})
    assert set(without.jobs) < set(more.jobs)
    assert names(more) - names(without) == {"transfer/real/n1"}


def test_without_the_real_arm_pre_training_is_planned_for_the_ceiling_alone() -> None:
    plan = toy_plan(regimes={"transfer": {"subjects": [1], "pretrain": ["real"]}}, generators=[])
    assert names(plan) == {"transfer/real/n1", "scratch/n1/equal-steps"}
    assert len(start(plan, "transfer/real/n1").train) == 2
    assert not any(job.stage == "fit-generator" for job in plan.jobs.values())


def test_pre_training_on_real_patches_takes_as_many_steps_as_on_synthetic_ones() -> None:
    """With a length in epochs, more synthetic patches than real ones would train for longer."""
    plan = toy_plan(
        regimes={"real": True, "transfer": BOTH},
        segmenter={"plugin": "unet3d", "params": {"epochs": 2, "batch_size": 4}},
        patches={"size": [8, 8, 8], "per_subject": 8, "synthetic": 64},
    )
    assert (start(plan, "transfer/toy-generator/n1").params["epochs"], 64 * 2 // 4) == (2, 32)
    ceiling = start(plan, "transfer/real/n1").params
    assert (ceiling["steps"], ceiling["epochs"]) == (32, 0)


def test_a_generator_called_real_is_refused_beside_the_ceiling() -> None:
    generators = [{"plugin": "toy-generator", "name": "real"}]
    with pytest.raises(SpecError, match=r"'real' is the name of one.*another name"):
        toy_plan(regimes={"real": True, "transfer": BOTH}, generators=generators)
    toy_plan(regimes={"real": True, "transfer": {"subjects": [1]}}, generators=generators)
