"""Estimates grow with the work, and a resumed training is timed by what it does now."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vbench.cli import progress as progress_module
from vbench.cli.progress import Display
from vbench.engine.costs import Backlog, Costs, Pace, done_of, training_lengths
from vbench.engine.job import Job
from vbench.engine.stages import stage
from vbench.engine.store import Store
from vbench.files import write_json
from vbench.records.job import JobRecord
from vbench.records.judging import EvaluateInputs
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs, SynthesiseInputs
from vbench.registry import default

PATCHES = {"size": (16, 16, 16), "per_subject": 8, "vessel_centred": 0.5, "seed": 0}


def fit(steps, *, size=(16, 16, 16), batch=32, benchmark="b", plugin="wgan-gp", **inputs):
    given = {
        "plugin": {"name": plugin},
        "params": {"steps": steps, "batch_size": batch},
        "asking": None,
        "train": (),
        "patches": {**PATCHES, "size": size},
        "checkpoints": 1,
        "seed": 0,
    }
    made = FitGeneratorInputs.model_validate({**given, **inputs})
    return Job("g", made, benchmark=benchmark)


def trial():
    plugin = {"name": "unet3d"}
    made = FitSegmenterInputs.model_validate(
        {
            "plugin": plugin, "params": {"steps": 300}, "asking": {}, "patches": PATCHES,
            "validations": 1, "pruner": "none", "metric": {"name": "dsc"},
        }
    )  # fmt: skip
    return Job("s", made, benchmark="b")


def record(job, seconds, **result):
    return JobRecord(
        **job.about(),
        benchmark=job.benchmark,
        status="ok",
        seconds=seconds,
        inputs=job.inputs,
        result=stage(job.stage).Result.model_validate(result),
    )


@pytest.fixture(scope="module")
def lengths():
    return training_lengths(default())


def test_the_plugins_with_a_length_are_known(lengths):
    assert {"wgan-gp", "dcgan", "unet3d", "mask-first"} <= lengths.keys()
    assert "vesselness" not in lengths


@pytest.mark.parametrize("benchmark", ["b", "another"])
def test_4000_steps_take_longer_than_900_did(lengths, benchmark):
    costs = Costs([record(fit(900), 180.0)], lengths)
    assert costs.estimate(fit(4000, benchmark=benchmark)) == pytest.approx(800)


def test_patches_and_batches_count(lengths):
    costs = Costs([record(fit(900), 180.0)], lengths)
    assert costs.estimate(fit(900, size=(32, 32, 16))) == pytest.approx(720)
    assert costs.estimate(fit(900, batch=64)) == pytest.approx(360)


def test_a_length_that_is_tuned_counts_as_it_was(lengths):
    asking = {"defaults": {"generator.steps": 500, "segmenter.steps": 7}}
    job = fit(0, asking=asking, params={"batch_size": 32})
    tried = record(job, 100.0, params={"steps": 1000, "batch_size": 32})
    assert Costs([tried], lengths).estimate(job) == pytest.approx(50)


def sample(n):
    inputs = {"plugin": {"name": "g"}, "generator": "k", "checkpoint": 0, "n": n, "seed": 0}
    return Job("s", SynthesiseInputs(**inputs, size=(16, 16, 16)), benchmark="b")


def test_samples_and_test_subjects_count():
    def evaluate(n):
        inputs = {"plugin": {"name": "s"}, "trials": (), "test": ["t"] * n, "size": (4, 4, 4)}
        more = {"metrics": (), "higher_is_better": True, "seed": 0}
        return Job("e", EvaluateInputs(**inputs, **more), benchmark="b")

    scored = {"trial": 0, "threshold": 0.5, "validation_score": 0.5, "cases": ()}
    sampled = record(sample(100), 10.0, n=100, checkpoint=0)
    costs = Costs([sampled, record(evaluate(4), 8.0, **scored)])
    assert costs.estimate(sample(1000)) == pytest.approx(100)
    assert costs.estimate(evaluate(14)) == pytest.approx(28)


@pytest.mark.parametrize("fate", ["skipped", "pruned", "diverged"])
def test_a_trial_that_did_not_run_to_its_end_tells_nothing(fate):
    result = {"trial": 0, fate: "loss is nan" if fate == "diverged" else True}
    costs = Costs([record(trial(), 0.1, **result), record(trial(), 90.0, trial=0, score=0.5)])
    assert costs.estimate(trial()) == pytest.approx(90)


def test_a_training_that_did_not_start_tells_nothing(lengths):
    costs = Costs([record(fit(900), 0.1, skipped=True), record(fit(900), 90.0)], lengths)
    assert costs.estimate(fit(900)) == pytest.approx(90)


def test_what_waits_is_summed_up_by_kind(lengths):
    costs = Costs([record(fit(900), 90.0)], lengths)
    waits = Backlog(costs)
    for job in (fit(900), fit(1800), sample(10)):
        waits.add(job)
    assert waits.seconds() == pytest.approx(90 + 180 + stage("synthesise").seconds)
    waits.add(fit(1800), -1)
    costs.add(record(sample(100), 10.0, n=100, checkpoint=0))
    assert waits.seconds() == pytest.approx(90 + 1)


def test_a_resumed_training_is_timed_by_what_it_does_now():
    pace = Pace(3600, 4000, now=0.0)
    assert pace.left(now=1.0) is None
    pace.report(3610, 4000, now=30.0)
    assert pace.left(now=30.0) == pytest.approx(1170)
    assert pace.left(now=40.0) == pytest.approx(1160)


def test_the_display_promises_what_a_resumed_training_still_takes(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    display, job = Display(Console(file=out, width=200)), fit(4000)
    display.started(job)
    for now[0], step in ((20.0, 3600), (40.0, 3610)):
        display.progress(job, step, 4000, {})
    assert "3610/4000 · 13:00 min left" in out.getvalue()


def test_a_checkpoint_says_how_much_is_done(tmp_path):
    store, job = Store(tmp_path), fit(4000)
    assert done_of(store, job) == 0
    write_json(store.checkpoint(job.key) / "notes.json", {"step": 3000, "total": 4000})
    assert done_of(store, job) == 0.75
