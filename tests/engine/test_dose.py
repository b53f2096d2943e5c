"""A dose curve is planned: one fit of the generator, arms of equal steps, today's keys kept."""

from __future__ import annotations

from typing import Any

import pytest
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.analysis import build_leaderboard
from vbench.engine.plan import Plan
from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs, SynthesiseInputs

REGIMES: dict[str, Any] = {"real": True, "synthetic": True, "mixed": True}
DOSES = [4, 1, 0.25]


def names(plan: Plan) -> list[str]:
    return [arm.name for arm in plan.arms]


def inputs(plan: Plan, arm: str) -> FitSegmenterInputs:
    found = next(a for a in plan.arms if a.name == arm)
    return plan.jobs[found.trials[0][0]].inputs_as(FitSegmenterInputs)


def samples(plan: Plan, arm: str) -> SynthesiseInputs:
    (key,) = inputs(plan, arm).synthetic
    return plan.jobs[key].inputs_as(SynthesiseInputs)


def test_each_dose_has_an_arm_with_so_many_patches_of_one_fit() -> None:
    plan = toy_plan(regimes=REGIMES, patches__synthetic=DOSES)
    arms = [
        "synthetic/toy-generator/x0.25",
        "synthetic/toy-generator",
        "synthetic/toy-generator/x4",
    ]
    assert [name for name in names(plan) if name.startswith("synthetic/")] == arms
    assert [samples(plan, arm).n for arm in arms] == [4, 16, 64]
    assert [arm.dose for arm in plan.arms if arm.name in arms] == [0.25, 1, 4]
    assert sum(job.stage == "fit-generator" for job in plan.jobs.values()) == 1
    mixed = [name for name in names(plan) if name.startswith("mixed/")]
    assert mixed == [arm.replace("synthetic/", "mixed/") for arm in arms]
    for ours, theirs in zip(mixed, arms, strict=True):
        trials = next(arm.trials[0] for arm in plan.arms if arm.name == theirs)
        assert list(inputs(plan, ours).synthetic_of) == trials


def test_a_list_keeps_the_keys_of_the_plain_spec() -> None:
    regimes = {**REGIMES, "transfer": {"subjects": [1]}}
    plain, more = toy_plan(regimes=regimes), toy_plan(regimes=regimes, patches__synthetic=DOSES)
    assert set(plain.jobs) < set(more.jobs)


def test_every_dose_trains_for_as_many_steps() -> None:
    """Two epochs over 16 patches in batches of 4 are 8 steps, over 64 they would be 32."""
    plan = toy_plan(
        regimes=REGIMES,
        segmenter={"plugin": "unet3d", "params": {"epochs": 2, "batch_size": 4}},
        patches={"size": [8, 8, 8], "per_subject": 8, "synthetic": DOSES},
    )
    assert inputs(plan, "synthetic/toy-generator").params["epochs"] == 2
    for dose in ("x4", "x0.25"):
        params = inputs(plan, f"synthetic/toy-generator/{dose}").params
        assert (params["steps"], params["epochs"]) == (8, 0)
        params = inputs(plan, f"mixed/toy-generator/{dose}").params
        assert (params["steps"], params["epochs"]) == (16, 0)


def test_only_generators_with_a_dose_curve_are_sampled_at_each_dose() -> None:
    generators = [{"plugin": "toy-generator"}, {"plugin": "toy-generator", "name": "other"}]
    plan = toy_plan(
        regimes={
            "transfer": {"subjects": [1]},
            "mixed": {"generators": ["toy-generator"]},
        },
        generators=generators,
        patches__synthetic=[1, 4],
    )
    counts = sorted(
        job.inputs_as(SynthesiseInputs).n for job in plan.jobs.values() if job.stage == "synthesise"
    )
    assert counts == [16, 16, 64], "`other` only pre-trains, on dose 1"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0.5, 2], "no dose 1"),
        ([1, 1.0], "listed twice"),
        ([1, 0], "above 0"),
        ([1, 4800], "at most 100"),
        ([1, "4"], "'4'"),
        ([1, True], "True"),
        ([], "no dose 1"),
        (0, "at least 1"),
        (2.5, "a number of patches, or a list"),
        ("4x", "a number of patches, or a list"),
    ],
)
def test_what_makes_no_dose_curve_is_one_clear_line(value: Any, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        toy_spec(patches__synthetic=value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("patches.synthetic: ")
    assert message in str(raised.value)


@pytest.mark.usefixtures("warm_workers")
def test_a_dose_curve_runs_and_is_on_the_board(tmp_path: Any) -> None:
    spec = toy_spec(regimes={"real": True, "synthetic": True}, patches__synthetic=[0.5, 1, 2])
    api.run(spec, out=tmp_path)
    board = build_leaderboard(tmp_path / "toys")
    (curve,) = board["dose"]
    assert curve["dose"] == [0.5, 1, 2]
    assert curve["patches"] == [8, 16, 32]
    steps = {row["arm"]: row["budget"]["steps"] for row in board["rows"]}
    assert steps["synthetic/toy-generator/x0.5"] == steps["synthetic/toy-generator/x2"]
