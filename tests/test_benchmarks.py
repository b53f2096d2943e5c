"""The specs in ``benchmarks/`` say what their comments promise; they are planned, not run."""

import re
from pathlib import Path
from typing import Any

import pytest

from vbench.engine.plan import make_plan
from vbench.records.judging import AttackInputs
from vbench.records.training import FitSegmenterInputs, SynthesiseInputs
from vbench.registry import default
from vbench.spec.check import faults
from vbench.spec.load import load_spec
from vbench.spec.model import PluginUse, Spec

FOLDER = Path(__file__).parents[1] / "benchmarks"


def read(name: str) -> Spec:
    return load_spec(FOLDER / f"{name}.toml")


def parameters(use: PluginUse) -> dict[str, Any]:
    return default().get("generator", use.plugin).cls.Params(**use.params).model_dump()


@pytest.mark.parametrize("name", ["paper", "beyond", "ablation", "paper-2d-full"])
def test_it_validates_and_plans_an_arm_for_each_generator(name: str) -> None:
    spec, registry = read(name), default()
    assert faults(spec, registry) == []
    planned = {arm.name for arm in make_plan(spec, registry).arms}
    assert {f"synthetic/{use.label}" for use in spec.generators} <= planned
    assert "real" in planned


def test_privacy_plans_two_series_that_differ_in_their_budgets_only() -> None:
    pytest.importorskip("dp_accounting", reason="needs the extra `dp`")
    spec, registry = read("privacy"), default()
    assert faults(spec, registry) == []
    assert (spec.tune.trials, spec.tune.checkpoints) == (1, 1)  # more would spend more
    series: dict[str, dict[str, Any]] = {}
    for use in spec.generators:
        start, _, budget = use.label.rpartition("-")
        if budget in ("1", "2", "5", "10", "inf"):
            series.setdefault(start, {})[budget] = parameters(use)
    assert {start: set(found) for start, found in series.items()} == {
        "calibrated": {"1", "2", "5", "10", "inf"},
        "dp-wgan": {"5", "inf"},
    }
    for found in series.values():
        rest = []
        for budget, params in found.items():
            asked = params.pop("epsilon"), params.pop("noise")
            assert asked == ((5.0, 0.0) if budget == "inf" else (float(budget), None))
            rest.append(params)
        assert all(other == rest[0] for other in rest)
    # No phantom that is pre-trained on is one of the benchmark's.
    source = registry.source("phantom")
    params = source.Params(**spec.data.source.params)
    assert params.scanner != series["dp-wgan"]["5"]["phantom_scanner"]
    assert params.seed != series["dp-wgan"]["5"]["phantom_seed"]


@pytest.mark.parametrize(
    ("name", "left"),
    [(name, {"precision"}) for name in ("paper", "beyond", "ablation")] + [("privacy", set())],
)
def test_it_leaves_nothing_to_the_machine_but_what_it_says(name: str, left: set[str]) -> None:
    spec = read(name)
    assert spec.compute.threads is not None
    for use in [*spec.generators, spec.segmenter]:
        open_ = {key for key, value in use.params.items() if value == "auto"}
        assert open_ <= left, use.label


@pytest.mark.parametrize("name", ["coronary", "transfer-ceiling"])
def test_settings_that_are_said_to_be_papers_are(name: str) -> None:
    paper, other = read("paper"), read(name)
    theirs = {use.label: use for use in paper.generators}
    shared = [use for use in other.generators if use.label in theirs]
    assert shared
    assert all(use == theirs[use.label] for use in shared)
    assert other.segmenter == paper.segmenter
    assert other.tune.validations == paper.tune.validations


def test_beyond_has_the_papers_generators_as_paper_has_them() -> None:
    paper, beyond = read("paper"), read("beyond")
    assert beyond.generators[: len(paper.generators)] == paper.generators
    assert {use.plugin for use in beyond.generators[len(paper.generators) :]} == {
        "mask-first",
        "geometric",
    }
    assert (beyond.data, beyond.patches, beyond.segmenter, beyond.tune) == (
        paper.data,
        paper.patches,
        paper.segmenter,
        paper.tune,
    )


def test_each_arm_of_the_ablation_is_one_switch_away_from_its_corrected_method() -> None:
    switches: dict[str, set[str]] = {}
    corrected: dict[str, dict[str, Any]] = {}
    for use in read("ablation").generators:
        values = parameters(use)
        if use.label.startswith("corrected"):
            corrected[use.plugin] = values
            continue
        changed = {key for key in values if values[key] != corrected[use.plugin][key]}
        switches[use.label] = changed
        authors = default().get("generator", use.plugin).cls.Params(preset="authors")
        for key in changed:
            assert values[key] == getattr(authors, key), (use.label, key)
    assert switches == {
        "fault-1-batch-penalty": {"penalty", "penalty_samples"},
        "fault-2-reused-batch": {"reuse_batch"},
        "fault-3-zero-gains": {"zero_mean_gains"},
        "fault-4-train-mode": {"sampling_mode"},
        "fault-5-label-range": {"label_range", "label_threshold"},
        "fault-6-patch-minmax": {"patch_minmax"},
        "fault-7-targets": {"target_real", "target_fake"},
        "fault-7-paired-features": {"generator_loss"},
    }


def test_the_full_size_paper_is_the_authors_to_the_letter() -> None:
    spec = read("paper-2d-full")
    for use in spec.generators:
        assert use.params == {"preset": "authors"}
    assert spec.segmenter.params == {"preset": "livne2019-half"}
    assert (spec.patches.size, spec.patches.per_subject) == ([96, 96], 1000)
    split = spec.data.source.split
    assert (split.train, split.val, split.test) == (41, 11, 14)


def trainings(name: str) -> dict[str, int]:
    """Return the optimiser steps of each arm's first trial, as they are planned."""
    registry, spec = default(), read(name)
    plan = make_plan(spec, registry)
    cls = registry.get("segmenter", spec.segmenter.plugin).cls
    per_subject = spec.patches.per_subject
    steps = {}
    for arm in plan.arms:
        if arm.regime == "baseline":
            continue
        inputs = plan.jobs[arm.trials[0][0]].inputs_as(FitSegmenterInputs)
        made = [plan.jobs[key].inputs_as(SynthesiseInputs).n for key in inputs.synthetic[:1]]
        patches = per_subject * len(inputs.train) + sum(made)
        steps[arm.name] = cls.training_steps(cls.Params(**inputs.params), patches)
    return steps


def test_the_full_size_paper_trains_for_the_papers_epochs() -> None:
    """15 epochs of 2 N samples in batches of 64, for 41 patients of 1000 patches as for one."""
    steps = trainings("paper-2d-full")
    epochs, batch = 15, 64
    assert steps["real"] == -(-epochs * 2 * 41_000 // batch) == 19_219
    assert {steps[f"synthetic/{gan}"] for gan in ("dcgan", "wgan-gp", "wgan-gp-sn")} == {19_219}
    for n in range(1, 16):
        own = -(-epochs * 2 * 1000 * n // batch)
        assert steps[f"scratch/n{n}"] == own
        for gan in ("dcgan", "wgan-gp", "wgan-gp-sn"):
            assert steps[f"transfer/{gan}/n{n}"] == own
        assert steps[f"scratch/n{n}/equal-steps"] == 19_219 + own


def test_the_paper_holds_equal_steps_on_target_patches_beside_equal_steps_in_all() -> None:
    steps = trainings("paper")
    pretrained = steps["synthetic/wgan-gp-sn"] + steps["transfer/wgan-gp-sn/n1"]
    assert steps["scratch/n1"] == steps["transfer/wgan-gp-sn/n1"]
    assert steps["scratch/n1/equal-steps"] == pretrained


@pytest.mark.parametrize("name", ["paper", "beyond", "paper-2d-full"])
def test_every_arm_has_the_same_number_of_trials_and_three_seeds(name: str) -> None:
    arms = make_plan(read(name), default()).arms
    assert {len(keys) for arm in arms for keys in arm.trials.values()} == {read(name).tune.trials}
    if name != "beyond":
        assert {len(arm.trials) for arm in arms} == {3}


def test_fault_1_takes_one_norm_over_the_whole_batch() -> None:
    use = next(u for u in read("ablation").generators if u.label == "fault-1-batch-penalty")
    values = parameters(use)
    assert (values["penalty"], values["penalty_samples"]) == ("batch", 0)


@pytest.mark.parametrize("name", ["dcgan", "wgan-gp", "wgan-gp-sn"])
def test_the_documents_list_all_that_corrected_changes(name: str) -> None:
    text = (FOLDER.parent / "docs" / "explanation" / "paper.md").read_text(encoding="utf-8")
    section = text.partition("## What the presets differ in")[2].partition("## Why its 95HD")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    listed = set(re.findall(r"`(\w+)", "\n".join(rows)))
    cls = default().get("generator", name).cls.Params
    authors, corrected = cls(preset="authors").model_dump(), cls().model_dump()
    changed = {key for key in authors if authors[key] != corrected[key]} - {"preset"}
    assert changed <= listed, changed - listed


def test_attacks_attacks_every_generator() -> None:
    made = make_plan(read("attacks"), default())
    attacked = [job for job in made.jobs.values() if job.stage == "attack"]
    assert [job.arm for job in attacked] == [arm.name for arm in made.arms]
    for job in attacked:
        inputs = job.inputs_as(AttackInputs)
        assert len(inputs.shadows) == 3
        assert inputs.canaries is not None


def test_dose_and_ceiling_plan_what_their_comments_say() -> None:
    planned = {}
    for name in ("dose", "transfer-ceiling"):
        assert faults(read(name), default()) == []
        planned[name] = make_plan(read(name), default())
    doses = {arm.name: arm.dose for arm in planned["dose"].arms if arm.generator}
    assert doses == {
        f"{regime}/{name}{end}": dose
        for regime in ("synthetic", "mixed")
        for name in ("wgan-gp-sn", "geometric")
        for end, dose in (("/x0.25", 0.25), ("", 1), ("/x4", 4))
    }
    fits = [job for job in planned["dose"].jobs.values() if job.stage == "fit-generator"]
    assert len(fits) == 2 * len(read("dose").benchmark.seeds)
    arms = {arm.name for arm in planned["transfer-ceiling"].arms}
    ways = ("real", "wgan-gp-sn", "mask-first", "geometric")
    for n in (1, 2, 3, 5, 10, 15):
        assert {f"scratch/n{n}", f"scratch/n{n}/equal-steps"} <= arms
        assert {f"transfer/{way}/n{n}" for way in ways} <= arms


def test_classes_has_the_circle_of_willis_and_three_regimes() -> None:
    spec, registry = read("classes"), default()
    assert faults(spec, registry) == []
    plan = make_plan(spec, registry)
    assert {arm.name for arm in plan.arms} == {
        "real",
        *(f"{regime}/{name}" for regime in ("synthetic", "mixed") for name in GENERATORS),
    }


GENERATORS = ("wgan-gp-sn", "mask-first")


def test_folds_tests_each_of_ten_phantoms_once() -> None:
    spec, registry = read("folds"), default()
    assert faults(spec, registry) == []
    plan = make_plan(spec, registry)
    folds = plan.data["source"].folds
    tested = [subject for fold in folds for subject in fold["test"]]
    assert (len(folds), len(tested), len(set(tested))) == (5, 10, 10)
    assert {arm.fold for arm in plan.arms if arm.name == "real"} == set(range(5))


def test_the_five_real_volumes_are_tested_in_five_folds_of_the_same_benchmark() -> None:
    whole, folds = read("twophoton"), read("twophoton-folds")
    assert folds.data.folds == 5
    assert (folds.generators, folds.segmenter, folds.regimes, folds.patches) == (
        whole.generators,
        whole.segmenter,
        whole.regimes,
        whole.patches,
    )


def test_open_has_what_was_made_elsewhere_on_two_targets() -> None:
    spec = read("open")
    assert list(spec.data.seconds) == ["scanner-b", "scanner-a"]
    first, second = spec.data.seconds.values()
    assert first.params != second.params
