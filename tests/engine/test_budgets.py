"""Every arm's budget is planned fairly, counted, and said; transfer has a control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import toy_plan, toy_spec, toy_table

from vbench import api
from vbench.engine.plan import Plan
from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs

pytestmark = pytest.mark.usefixtures("warm_workers")

TRANSFER: dict[str, Any] = {
    "real": True,
    "synthetic": True,
    "mixed": True,
    "transfer": {"subjects": [1, 2]},
    "scratch": {"subjects": [1, 2]},
}


def params(plan: Plan, arm: str) -> dict[str, Any]:
    """Return the segmenter's parameters of an arm's first trial."""
    found = next(a for a in plan.arms if a.name == arm)
    return dict(plan.jobs[found.trials[0][0]].inputs_as(FitSegmenterInputs).params)


def steps(plan: Plan, arm: str) -> int:
    return int(params(plan, arm)["steps"])


def names(plan: Plan) -> set[str]:
    return {arm.name for arm in plan.arms}


def test_transfer_has_a_control_with_equal_total_steps_by_default() -> None:
    plan = toy_plan(regimes=TRANSFER, segmenter={"plugin": "toy-segmenter", "params": {"steps": 6}})
    for n in (1, 2):
        control = next(a for a in plan.arms if a.name == f"scratch/n{n}/equal-steps")
        assert (control.regime, control.n_subjects, control.control) == (
            "scratch",
            n,
            "equal-steps",
        )
        assert steps(plan, f"transfer/toy-generator/n{n}") == 6
        assert steps(plan, f"scratch/n{n}") == 6
        assert steps(plan, control.name) == 12


def test_the_control_sees_what_scratch_sees() -> None:
    plan = toy_plan(regimes=TRANSFER, tune__trials=3)
    arms = {arm.name: arm for arm in plan.arms}
    pair = [arms[name].trials[0] for name in ("scratch/n2", "scratch/n2/equal-steps")]
    for first, second in zip(*pair, strict=True):
        a, b = (plan.jobs[key].inputs_as(FitSegmenterInputs) for key in (first, second))
        for name in ("train", "val", "patches", "validations", "metric", "pruner"):
            assert getattr(a, name) == getattr(b, name)
        assert a.trial_spec.seed != b.trial_spec.seed


def test_every_arm_gets_the_same_number_of_trials() -> None:
    plan = toy_plan(regimes={**TRANSFER, "baseline": True}, tune__trials=3)
    assert {len(arm.trials[0]) for arm in plan.arms} == {3}


def test_there_is_a_control_where_no_scratch_arm_is_planned() -> None:
    plan = toy_plan(regimes={"transfer": {"subjects": [2]}})
    assert names(plan) == {"transfer/toy-generator/n2", "scratch/n2/equal-steps"}


def test_several_generators_share_one_control() -> None:
    generators = [{"plugin": "toy-generator"}, {"plugin": "toy-generator", "name": "other"}]
    plan = toy_plan(regimes=TRANSFER, generators=generators)
    assert sorted(n for n in names(plan) if n.endswith("equal-steps")) == [
        "scratch/n1/equal-steps",
        "scratch/n2/equal-steps",
    ]


def test_a_control_changes_the_key_of_no_other_arm() -> None:
    without = {**TRANSFER, "transfer": {"subjects": [1, 2], "control": "none"}}
    more, fewer = toy_plan(regimes=TRANSFER), toy_plan(regimes=without)
    assert set(fewer.jobs) < set(more.jobs)
    assert names(more) - names(fewer) == {"scratch/n1/equal-steps", "scratch/n2/equal-steps"}


def test_scratch_takes_the_steps_of_fine_tuning_unless_the_spec_says_otherwise() -> None:
    shorter = {**TRANSFER, "transfer": {"subjects": [1], "params": {"steps": 2, "rate": 0.1}}}
    plan = toy_plan(regimes=shorter)
    assert steps(plan, "transfer/toy-generator/n1") == steps(plan, "scratch/n1") == 2
    assert steps(plan, "scratch/n1/equal-steps") == 4 + 2
    assert params(plan, "scratch/n1")["rate"] == 0.5  # the length alone follows
    named = {**shorter, "scratch": {"subjects": [1], "params": {"steps": 9, "rate": 0.2}}}
    plan = toy_plan(regimes=named)
    assert params(plan, "scratch/n1") == {**params(plan, "scratch/n1"), "steps": 9, "rate": 0.2}
    assert params(plan, "scratch/n1/equal-steps")["rate"] == 0.2
    assert steps(plan, "scratch/n1/equal-steps") == 4 + 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"regimes__transfer__control": "none"}, 'regimes.transfer.control = "none"'),
        ({"segmenter": {"plugin": "threshold"}}, "'threshold' does not say which parameter"),
        (
            {"segmenter": {"plugin": "tuned-length"}, "tune": {"trials": 2}},
            "the length of training is tuned",
        ),
    ],
)
def test_without_a_control_validate_says_so(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    regimes = {**TRANSFER, "transfer": dict(TRANSFER["transfer"])}
    table = toy_table(**{"regimes": regimes, **changes})
    table["plugins"]["paths"].append(str(_tuned_length(tmp_path)))
    answer = vbench("validate", write_toml(tmp_path / "toys.toml", table))
    assert answer.code == 0
    assert "remark: transfer has no control with equal total steps" in answer.out
    assert why in answer.out
    assert "equal-steps" not in vbench("plan", tmp_path / "toys.toml", "--out", tmp_path).out


def _tuned_length(folder: Path) -> Path:
    path = folder / "tuned_length.py"
    path.write_text(
        "import vbench\n"
        "from vbench import registry\n"
        f"toys = registry.for_paths(({str(Path(__file__).parents[1] / 'fixtures/toys.py')!r},))\n"
        "Toy = toys.get('segmenter', 'toy-segmenter').cls\n"
        "class LengthParams(Toy.Params):\n"
        "    steps: int = vbench.param(4, 'steps', length=True, tune=(2, 8), ge=1)\n"
        "class TunedLength(Toy):\n"
        "    name = 'tuned-length'\n"
        "    Params = LengthParams\n"
        "@vbench.hookimpl\n"
        "def vbench_register_segmenters(register):\n"
        "    register(TunedLength)\n"
    )
    return path


def test_more_subjects_than_a_fraction_gives_are_refused() -> None:
    split = {"train": 0.5, "val": 0.25, "test": 0.25}
    with pytest.raises(
        SpecError, match=r"asks for 5 subjects, but the training part of 'target' has 3"
    ):
        toy_plan(regimes={"scratch": {"subjects": [1, 5]}}, data__target__split=split)


def test_what_every_arm_takes_is_counted(tmp_path: Path) -> None:
    """Each toy's step draws 8 patches; the segmenter takes 5 steps, the generator 4."""
    spec = toy_spec(
        regimes={**TRANSFER, "baseline": True},
        segmenter={"plugin": "toy-segmenter", "params": {"steps": 5}},
        tune={"trials": 2, "checkpoints": 3, "parameters": ["generator.checkpoint"]},
    )
    result = api.run(spec, tmp_path, tracking=False)
    assert result.ok
    budgets = {row["arm"]: row["budget"] for row in result.board["rows"]}

    def patches(arm: str) -> list[int]:
        return [budgets[arm][f"patches_{origin}"] for origin in ("source", "target", "synthetic")]

    assert patches("real") == [40, 0, 0]
    assert patches("synthetic/toy-generator") == [0, 0, 40]
    mixed = patches("mixed/toy-generator")
    assert (sum(mixed), mixed[1]) == (40, 0)
    assert min(mixed[0], mixed[2]) > 0
    assert patches("transfer/toy-generator/n1") == [0, 40, 40]
    assert patches("scratch/n1") == [0, 40, 0]
    assert patches("scratch/n1/equal-steps") == [0, 80, 0]
    assert patches("baseline/threshold") == [0, 0, 0]

    transfer = budgets["transfer/toy-generator/n2"]
    assert {k: v for k, v in transfer.items() if not k.startswith("patches_")} == {
        "steps": 10,
        "steps_pretraining": 5,
        "steps_target": 5,
        "steps_generator": 4,
        "trials": 2,
        "candidates": 1,
        "trials_inherited": 2,
        "candidates_inherited": 3,
    }
    assert transfer["patches_generator"] == 32
    control = budgets["scratch/n2/equal-steps"]
    assert (control["steps"], control["steps_target"], control["trials_inherited"]) == (10, 10, 0)
    own = budgets["synthetic/toy-generator"]
    assert (own["trials"], own["candidates"], own["trials_inherited"]) == (2, 3, 0)
    inherits = budgets["mixed/toy-generator"]
    assert (inherits["trials"], inherits["candidates"]) == (2, 1)
    assert (inherits["trials_inherited"], inherits["candidates_inherited"]) == (2, 3)
    assert budgets["real"]["candidates"] is None


def test_trials_that_diverge_are_counted_and_the_arm_says_so(tmp_path: Path) -> None:
    spec = toy_spec(
        regimes={"real": True},
        segmenter={"plugin": "toy-segmenter", "params": {"fault": "nan"}},
    )
    result = api.run(spec, tmp_path, tracking=False)
    assert result.board["rows"][0]["budget"]["steps"] is None  # no trial was selected
    record = next(r for r in _records(result.folder) if r["stage"] == "fit-segmenter")
    assert record["result"]["diverged"]
    assert sum(record["result"]["budget"]["patches"].values()) == 8


def _records(folder: Path) -> list[dict[str, Any]]:
    from vbench.analysis.folder import read_records

    return [record.to_json() for record in read_records(folder / "records.jsonl")]
