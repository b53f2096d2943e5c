"""Every arm is repeated with other training lengths: of the segmenter only, today's keys kept."""

from __future__ import annotations

from typing import Any

import pytest
from toy_benchmark import toy_plan, toy_spec

from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs

REGIMES: dict[str, Any] = {
    "baseline": True,
    "real": True,
    "synthetic": True,
    "mixed": True,
    "scratch": {"subjects": [1]},
    "transfer": {"subjects": [1], "pretrain": ["synthetic", "real"]},
}


def test_every_arm_that_learns_is_repeated_and_reads_arms_of_its_length() -> None:
    plain = toy_plan(regimes=REGIMES)
    plan = toy_plan(regimes=REGIMES, compare__steps=[4, 8])
    assert set(plain.jobs) < set(plan.jobs)
    own = {arm.name for arm in plain.arms}
    learning = {name for name in own if not name.startswith("baseline/")}
    assert {arm.name for arm in plan.arms} == own | {f"{name}/steps=8" for name in learning}
    arms = {arm.name: arm for arm in plan.arms}
    assert {arm.steps for name, arm in arms.items() if "/steps=" in name} == {8}

    def inputs(name: str) -> FitSegmenterInputs:
        return plan.jobs[arms[name].trials[0][0]].inputs_as(FitSegmenterInputs)

    assert inputs("real/steps=8").params["steps"] == 8
    assert inputs("scratch/n1/equal-steps/steps=8").params["steps"] == 16
    assert list(inputs("transfer/real/n1/steps=8").initial) == arms["real/steps=8"].trials[0]
    one, other = inputs("synthetic/toy-generator"), inputs("synthetic/toy-generator/steps=8")
    assert one.synthetic == other.synthetic
    made = [job.stage for job in plan.jobs.values()]
    assert made.count("fit-generator") == made.count("synthesise") == 1


def test_only_the_specs_own_length_is_audited() -> None:
    plan = toy_plan(regimes=REGIMES, compare__steps=[8], metrics__fidelity=["fid"])
    assert sum(job.stage == "audit" for job in plan.jobs.values()) == 1


def test_a_length_that_cannot_be_set_is_one_clear_line() -> None:
    with pytest.raises(SpecError, match=r"compare\.steps: .*'threshold' cannot be set"):
        toy_plan(segmenter={"plugin": "threshold"}, compare__steps=[8])


@pytest.mark.parametrize(("steps", "message"), [([0], "at least 1"), ([8, 8], "listed twice")])
def test_what_is_no_list_of_lengths_is_refused(steps: list[int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        toy_spec(compare__steps=steps)
