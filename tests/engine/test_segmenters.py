"""Several segmenters in one spec: each arm with each, with the jobs that each has alone."""

from __future__ import annotations

from typing import Any

import pytest
from toy_benchmark import LENDING, TOYS, toy_plan, toy_spec, toy_table

from vbench.engine.plan import Plan, make_plan
from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs
from vbench.registry import for_paths
from vbench.spec import parse_spec

REGIMES: dict[str, Any] = {
    "baseline": {"segmenters": ["threshold"]},
    "real": True,
    "synthetic": True,
    "mixed": True,
    "scratch": {"subjects": [1]},
    "transfer": {"subjects": [1], "pretrain": ["synthetic", "real"]},
}
TWO: list[dict[str, Any]] = [
    {"plugin": "toy-segmenter"},
    {"plugin": "toy-segmenter", "name": "long", "params": {"steps": 6}},
]


def plan_of(segmenters: list[dict[str, Any]], **changes: Any) -> Plan:
    table = toy_table(regimes=REGIMES, **changes)
    del table["segmenter"]
    return make_plan(parse_spec({**table, "segmenters": segmenters}), for_paths((TOYS,)))


def test_each_arm_is_planned_with_each_and_rules_once() -> None:
    alone = [arm.name for arm in toy_plan(regimes=REGIMES).arms]
    plan = plan_of(TWO)
    learning = [name for name in alone if not name.startswith("baseline/")]
    names = {f"{name}@{label}" for name in learning for label in ("toy-segmenter", "long")}
    assert {arm.name for arm in plan.arms} == names | {"baseline/threshold"}
    arms = {arm.name: arm for arm in plan.arms}
    assert arms["real@long"].segmenter == "long"
    assert arms["baseline/threshold"].segmenter == "threshold"

    def inputs(name: str) -> FitSegmenterInputs:
        return plan.jobs[arms[name].trials[0][0]].inputs_as(FitSegmenterInputs)

    # each starts from its own, and is given as many steps in all as its own transfer arm
    assert list(inputs("transfer/real/n1@long").initial) == arms["real@long"].trials[0]
    assert inputs("scratch/n1/equal-steps@toy-segmenter").params["steps"] == 8
    assert inputs("scratch/n1/equal-steps@long").params["steps"] == 12


def test_a_segmenter_beside_others_has_the_jobs_that_it_has_alone() -> None:
    tuned = {"tune__trials": 3, "tune__parallel": 1}
    for changes in ({}, tuned):
        alone = set(toy_plan(regimes=REGIMES, **changes).jobs)
        other = set(toy_plan(regimes=REGIMES, segmenter=TWO[1], **changes).jobs)
        assert alone != other
        assert set(plan_of(TWO, **changes).jobs) == alone | other
        assert set(plan_of(TWO[::-1], **changes).jobs) == alone | other


def test_a_list_of_one_is_the_table() -> None:
    plan, listed = toy_plan(regimes=REGIMES), plan_of(TWO[:1])
    assert list(plan.jobs) == list(listed.jobs)
    assert [arm.name for arm in plan.arms] == [arm.name for arm in listed.arms]


def test_the_generator_is_fitted_once_and_audited_once_unless_it_is_tuned() -> None:
    def count(plan: Plan, stage: str) -> int:
        return sum(job.stage == stage for job in plan.jobs.values())

    once = plan_of(TWO, metrics__fidelity=["fid"], audit={"shadows": 2, "canaries": 0})
    # one of the arm, and two shadows
    assert [count(once, s) for s in ("fit-generator", "audit", "attack")] == [3, 1, 1]
    arms = {arm.name: arm for arm in once.arms}
    of = [arms[f"synthetic/toy-generator@{name}"] for name in ("toy-segmenter", "long")]
    assert of[0].audit == of[1].audit
    assert of[0].attack == of[1].attack
    assert once.jobs[of[0].audit[0]].label == "toy-generator · seed 0"
    tuned = plan_of(TWO, metrics__fidelity=["fid"], tune__trials=2)
    assert count(tuned, "audit") == 2
    chosen = plan_of(TWO, metrics__fidelity=["fid"], tune__checkpoints=2)
    assert count(chosen, "fit-generator") == 1
    assert count(chosen, "audit") == 2  # each may choose another candidate
    labels = [job.label for job in chosen.jobs.values() if job.stage == "audit"]
    assert labels == [f"toy-generator@{name} · seed 0" for name in ("toy-segmenter", "long")]


def test_each_segmenter_lends_its_features_to_audits_of_its_own_arm() -> None:
    table = toy_table(metrics__fidelity=["fid"], tune__checkpoints=2)
    del table["segmenter"]
    table["plugins"] = {"paths": [TOYS, LENDING]}
    table["segmenters"] = [{"plugin": "toy-segmenter"}, {"plugin": "lending"}]
    plan = make_plan(parse_spec(table), for_paths((TOYS, LENDING)))
    arms = {arm.name: arm for arm in plan.arms}
    lent = {
        name: plan.jobs[arms[f"synthetic/toy-generator@{name}"].audit[0]].inputs.features
        for name in ("toy-segmenter", "lending")
    }
    assert lent["toy-segmenter"] is None
    assert list(lent["lending"].trials) == arms["real@lending"].trials[0]


def test_other_lengths_and_doses_are_planned_with_each() -> None:
    plan = plan_of(TWO, compare__steps=[4, 8], patches__synthetic=[1, 2])
    names = {arm.name for arm in plan.arms}
    # 4 steps are the first one's own length
    assert {n for n in names if n.startswith("real")} == {
        "real@toy-segmenter",
        "real/steps=8@toy-segmenter",
        "real@long",
        "real/steps=4@long",
        "real/steps=8@long",
    }
    assert "mixed/toy-generator/x2/steps=8@long" in names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segmenters": [TWO[0], TWO[0]]}, "segmenters: 'toy-segmenter' is listed twice"),
        ({"segmenters": TWO, "segmenter": TWO[0]}, r"\[segmenter\] beside \[\[segmenters\]\]"),
        (
            {
                "segmenters": TWO,
                "regimes": {"pretrained": {"subjects": [0], "weights": {"w": "w.safetensors"}}},
            },
            r'regimes\.pretrained\.weights\.w: weights fit one network; say which, .*"toy-segm',
        ),
        (
            {
                "segmenters": TWO,
                "regimes": {
                    "pretrained": {
                        "subjects": [0],
                        "weights": {"w": {"path": "w", "segmenter": "lnog"}},
                    }
                },
            },
            r"weights\.w\.segmenter: 'lnog' is not among the segmenters",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line(changes: dict[str, Any], message: str) -> None:
    table = toy_table()
    del table["segmenter"]
    with pytest.raises(SpecError, match=message) as caught:
        parse_spec({**table, **changes})
    assert len(str(caught.value).splitlines()) == 1


def test_a_parameter_of_one_segmenter_is_checked_against_all() -> None:
    with pytest.raises(SpecError, match=r"segmenters\.1\.params\.stpes: unknown"):
        plan_of([TWO[0], {**TWO[1], "params": {"stpes": 3}}])


def test_a_spec_says_only_the_form_that_it_has() -> None:
    assert "segmenters" not in toy_spec().model_dump()
    table = toy_table()
    del table["segmenter"]
    written = parse_spec({**table, "segmenters": TWO}).model_dump(by_alias=True)
    assert "segmenter" not in written
    assert [use["plugin"] for use in written["segmenters"]] == ["toy-segmenter"] * 2
    assert parse_spec(written) == parse_spec({**table, "segmenters": TWO})
