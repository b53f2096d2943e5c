"""Cross-validation and several targets: what is planned, and whom each job sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.analysis.folder import read_results
from vbench.analysis.layout import sections
from vbench.analysis.leaderboard import typed_leaderboard
from vbench.analysis.selected import selected
from vbench.analysis.wording import legend
from vbench.cli.common import repetition
from vbench.engine.plan import Plan
from vbench.errors import DataError, SpecError, StoreError
from vbench.records.judging import EvaluateInputs
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs, PrepareInputs
from vbench.spec import load_spec
from vbench.trained.arm import open_arm

FOLDS = {"folds": 3, "val": 1, "subjects": 7}
PLAIN = {"train": 2, "val": 1, "test": 1}
REGIMES: dict[str, Any] = {
    "real": True,
    "synthetic": True,
    "mixed": True,
    "scratch": {"subjects": [1]},
    "transfer": {"subjects": [1]},
}


def subjects(plan: Plan, keys: tuple[str, ...]) -> set[str]:
    return {plan.jobs[key].inputs_as(PrepareInputs).subject for key in keys}


def source(split: dict[str, Any]) -> dict[str, Any]:
    return {"plugin": "blobs", "split": split}


def target(split: dict[str, Any], **params: Any) -> dict[str, Any]:
    return {"plugin": "blobs", "seed": 5, "split": split, **params}


def test_each_subject_is_tested_once_by_what_never_saw_it() -> None:
    plan = toy_plan(data={"source": source(FOLDS)}, regimes={"real": True, "synthetic": True})
    tested: dict[str, list[str]] = {}
    for arm in plan.arms:
        evaluate = plan.jobs[arm.evaluate[0]].inputs_as(EvaluateInputs)
        test = subjects(plan, evaluate.test)
        tested.setdefault(arm.name, []).extend(test)
        seen: set[str] = set()
        todo = list(evaluate.trials)
        while todo:
            job = plan.jobs[todo.pop()]
            todo += [key for key in job.needs if plan.jobs[key].stage != "prepare"]
            seen |= subjects(plan, tuple(k for k in job.needs if plan.jobs[k].stage == "prepare"))
        assert not seen & test
    everyone = sorted(plan.data["source"].parts["test"])
    assert len(everyone) == 7
    assert {name: sorted(found) for name, found in tested.items()} == {
        "real": everyone,
        "synthetic/toy-generator": everyone,
    }


def test_a_generator_is_fitted_in_each_fold_with_a_seed_of_its_own() -> None:
    plan = toy_plan(data={"source": source(FOLDS)})
    fits = [
        job.inputs_as(FitGeneratorInputs)
        for job in plan.jobs.values()
        if job.stage == "fit-generator"
    ]
    assert len({fit.train for fit in fits}) == len({fit.seed for fit in fits}) == 3


def test_folds_of_the_target_alone_share_what_learns_from_the_source() -> None:
    data = {"source": source(PLAIN), "target": target(FOLDS)}
    plan = toy_plan(data=data, regimes=REGIMES)
    arms = [(arm.name, arm.fold) for arm in plan.arms]
    assert arms.count(("real", None)) == arms.count(("synthetic/toy-generator", None)) == 1
    assert [fold for name, fold in arms if name == "transfer/toy-generator/n1"] == [0, 1, 2]
    assert sum(job.stage == "fit-generator" for job in plan.jobs.values()) == 1


def test_folds_of_the_source_alone_repeat_arms_on_the_target_too() -> None:
    data = {"source": source(FOLDS), "target": target(PLAIN)}
    plan = toy_plan(data=data, regimes=REGIMES)
    for name in ("scratch/n1", "transfer/toy-generator/n1", "scratch/n1/equal-steps"):
        own = [arm for arm in plan.arms if arm.name == name]
        assert [arm.fold for arm in own] == [0, 1, 2]
        trials = [plan.jobs[a.trials[0][0]].inputs_as(FitSegmenterInputs) for a in own]
        assert len({trial.trial_spec.seed for trial in trials}) == 3


def test_folds_of_both_go_together() -> None:
    data = {"source": source(FOLDS), "target": target(FOLDS)}
    assert len([a for a in toy_plan(data=data, regimes=REGIMES).arms if a.name == "real"]) == 3
    data["target"] = target({**FOLDS, "folds": 2})
    with pytest.raises(SpecError, match=r"numbers differ: data\.source 3, data\.target 2"):
        toy_spec(data=data)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"folds": 1, "val": 1}, r"split\.folds: .*greater than or equal to 2"),
        ({"folds": 3}, r"split\.val: missing"),
        ({"folds": 3, "val": 0}, r"split\.val: 0: expected a count from 1"),
        ({"folds": 3, "val": 1, "test": 2}, r"split: folds beside 'test'"),
    ],
)
def test_what_is_no_cross_validation_is_one_line(split: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        toy_spec(data={"source": source(split)})
    assert len(str(caught.value).splitlines()) == 1


def test_too_few_persons_name_the_key() -> None:
    with pytest.raises(DataError, match=r"data\.source\.split: 3 folds of 4 persons"):
        toy_plan(data={"source": source({"folds": 3, "val": 2, "subjects": 4})})


def test_few_subjects_are_counted_in_each_fold() -> None:
    data = {"source": source(PLAIN), "target": target(FOLDS)}
    with pytest.raises(SpecError, match="asks for 4 subjects, but the training part of 'target'"):
        toy_plan(data=data, regimes={"scratch": {"subjects": [4]}})


TARGETS = {
    "source": source(PLAIN),
    "targets": [target(PLAIN, name="near"), target(PLAIN, name="far") | {"seed": 6}],
}


def test_each_target_has_its_arms_and_the_jobs_that_it_has_alone() -> None:
    plan = toy_plan(data=TARGETS, regimes=REGIMES)
    names = [arm.name for arm in plan.arms]
    assert names.count("real") == names.count("mixed/toy-generator") == 1
    for place in ("near", "far"):
        assert f"scratch/n1/on={place}" in names
        assert f"transfer/toy-generator/n1/on={place}" in names
    assert {arm.planned().cohort for arm in plan.arms} == {None, "near", "far"}
    alone: set[str] = set()
    for one in TARGETS["targets"]:
        named = {k: v for k, v in one.items() if k != "name"}
        data = {"source": TARGETS["source"], "target": named}
        alone |= set(toy_plan(data=data, regimes=REGIMES).jobs)
    assert set(plan.jobs) == alone


def test_a_list_of_one_target_names_arms_as_ever() -> None:
    one = {**TARGETS, "targets": TARGETS["targets"][:1]}
    assert "scratch/n1" in [arm.name for arm in toy_plan(data=one, regimes=REGIMES).arms]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({**TARGETS, "target": target(PLAIN)}, r"\[data\.target\] beside \[\[data\.targets\]\]"),
        (
            {**TARGETS, "targets": [target(PLAIN, name="near")] * 2},
            "targets: 'near' is the name of another data set",
        ),
        ({**TARGETS, "targets": [target(PLAIN)]}, r"data\.targets\.0\.name: missing"),
    ],
)
def test_what_is_no_list_of_targets_is_one_line(data: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        toy_spec(data=data, regimes=REGIMES)


def test_a_target_that_shares_subjects_with_the_source_is_named() -> None:
    same = [target(PLAIN, name="near"), target(PLAIN, name="far") | {"seed": 0}]
    with pytest.raises(DataError, match=r"data\.far: subject .* same content"):
        toy_plan(data={**TARGETS, "targets": same}, regimes=REGIMES)


def test_a_run_of_folds_and_two_targets_is_one_board(tmp_path: Path) -> None:
    data = {
        "source": source({"folds": 2, "val": 1, "subjects": 5}),
        "targets": [target(PLAIN, name="near"), target(PLAIN, name="far") | {"seed": 6}],
    }
    regimes = {"real": True, "synthetic": True, "scratch": {"subjects": [1]}}
    spec = toy_spec(data=data, regimes=regimes, metrics__privacy=["nn-ratio"])
    result = api.run(spec, tmp_path, tracking=False)
    assert result.ok
    results = read_results(tmp_path / "toys")
    board = typed_leaderboard(results)
    assert board.folds == {"source": 2}
    assert board.claim == "methods"
    assert {name: len(found) for name, found in board.cohorts.items()} == {
        "source": 5,
        "near": 1,
        "far": 1,
    }
    rows = {row.arm: row for row in board.rows}
    assert set(rows) == {
        "real",
        "synthetic/toy-generator",
        "scratch/n1/on=near",
        "scratch/n1/on=far",
    }
    real = rows["real"]
    assert (real.seeds, real.cases, real.metrics["dsc"].n, real.cohort) == (1, 5, 5, "source")
    # what is tested on a target without folds is repeated with each fold of the source
    assert (rows["scratch/n1/on=far"].seeds, rows["scratch/n1/on=far"].cohort) == (2, "far")
    assert set(rows["synthetic/toy-generator"].verdicts) == {"0 fold 0", "0 fold 1"}
    arm = next(arm for arm in results.arms if arm.name == "synthetic/toy-generator")
    assert selected(results, arm, 0).seed in arm.evaluate
    lines = (tmp_path / "toys" / "cases.csv").read_text().splitlines()
    tested = [line.split(",")[5] for line in lines if line.startswith("real,")]
    assert sorted(tested) == [f"blob-{i}" for i in range(5)]
    page = result.report.read_text()
    assert "2 folds of 5 subjects, each train " in page
    titles = [section.title for section in sections(board.to_json())]
    assert titles[:2] == ["source data: 5 test subjects × 1 seed, 2 folds",
                          "near data: 1 test subject × 2 seeds"]  # fmt: skip
    words = " ".join(legend(board.to_json()))
    assert "2 folds of the source data: each subject is tested once" in words
    check_folds_are_named(tmp_path)


def check_folds_are_named(out: Path) -> None:
    """Whoever uses an arm is told which fold's training it is, and may name another."""
    first, second = (
        open_arm("real", benchmark="toys", out=out, seed=f"0 fold {fold}") for fold in (0, 1)
    )
    assert (first.first.seed, second.first.seed) == ("0 fold 0", "0 fold 1")
    assert first.first.trial.key != second.first.trial.key
    assert first.of_fold() is None
    for seed in (None, 0):
        best = open_arm("real", benchmark="toys", out=out, seed=seed)
        said = best.of_fold() or ""
        assert f"of 2 trainings in folds, seed {best.first.seed} is used" in said
        other = {"0 fold 0": "0 fold 1", "0 fold 1": "0 fold 0"}[str(best.first.seed)]
        assert f"'{other}' names another" in said
    assert open_arm("real", benchmark="toys", out=out, seed="all").of_fold() is None
    with pytest.raises(StoreError, match=r"seed 0 fold 7 has not finished \(finished: 0 fold 0, "):
        open_arm("real", benchmark="toys", out=out, seed="0 fold 7")


@pytest.mark.parametrize(
    ("text", "meant"), [("3", 3), ("0 fold 2", "0 fold 2"), (" 1  fold 0 ", "1 fold 0")]
)
def test_a_repetition_is_a_seed_or_a_seed_and_a_fold(text: str, meant: int | str) -> None:
    command = click.Command("x")
    assert repetition(click.Context(command), click.Option(["--seed"]), text) == meant


@pytest.mark.parametrize("text", ["fold 2", "0 fold", "best", "0.5", "0 fold -1"])
def test_what_names_no_repetition(text: str) -> None:
    with pytest.raises(click.BadParameter, match="neither a seed nor a seed and a fold"):
        repetition(click.Context(click.Command("x")), click.Option(["--seed"]), text)


def test_folds_take_the_place_of_the_parts_of_what_a_spec_extends(tmp_path: Path) -> None:
    path = tmp_path / "folds.toml"
    path.write_text(
        '[benchmark]\nname = "folds"\nextends = "smoke"\n[data.source]\nplugin = "phantom"\n'
        "split = { folds = 5, val = 2, subjects = 10 }\n"
    )
    assert load_spec(path).data.folds == 5
