"""What is measured is measured once, before any job has a key, and stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_benchmark import toy_plan
from vbench_plugins.nn import compute

from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.interfaces import Fitted
from vbench.records.parts import Params
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs
from vbench.registry import default

SETTINGS = ("precision", "memory_format", "threads")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def plan(**params: Any) -> Plan:
    return toy_plan(
        patches__size=[8, 8, 8],
        segmenter={"plugin": "unet3d", "params": {"steps": 2, "width": 4, **params}},
        generators=[{"plugin": "monai-flow", "params": {"levels": 2, **params}}],
        regimes={
            "real": True,
            "synthetic": True,
            "scratch": {"subjects": [1], "params": {"lr": 0.01}},
        },
    )


def settings(made: Plan) -> set[tuple[Any, ...]]:
    """Return how the jobs that fit built-in methods say that they compute."""
    fits = [job for job in made.jobs.values() if job.stage.startswith("fit-")]
    assert {job.stage for job in fits} == {"fit-generator", "fit-segmenter"}
    return {tuple(params_of(job)[name] for name in SETTINGS) for job in fits}


def params_of(job: Job) -> Params:
    """Return the parameters of a job that fits a method."""
    assert isinstance(job.inputs, FitGeneratorInputs | FitSegmenterInputs)
    return job.inputs.params


def test_nothing_is_measured_unless_a_spec_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> Any:
        raise AssertionError("measured")

    monkeypatch.setattr(compute, "_fastest", never)
    assert settings(plan()) == {("float32", "channels_last", 0)}


def test_auto_is_answered_once_and_part_of_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "_fastest", lambda options, step: options[-1])
    first = plan(precision="auto", memory_format="auto")
    assert settings(first) == {("bfloat16", "channels_last", 0)}
    # Another time of day, another machine to run on: the answer stands.
    monkeypatch.setattr(compute, "_fastest", lambda options, step: options[0])
    assert plan(precision="auto", memory_format="auto").jobs.keys() == first.jobs.keys()
    named = plan(precision="bfloat16", memory_format="channels_last")
    assert named.jobs.keys() == first.jobs.keys()


def test_what_is_left_open_for_fine_tuning_alone_is_answered_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compute, "_fastest", lambda options, step: options[-1])
    made = toy_plan(
        patches__size=[8, 8, 8],
        segmenter={"plugin": "unet3d", "params": {"steps": 2, "width": 4}},
        regimes={"scratch": {"subjects": [1], "params": {"precision": "auto"}}},
    )
    (fit,) = [job for job in made.jobs.values() if job.stage == "fit-segmenter"]
    assert params_of(fit)["precision"] == "bfloat16"


def test_no_built_in_method_leaves_anything_to_the_machine_by_default() -> None:
    for kind in ("generator", "segmenter"):
        for entry in default().entries(kind):
            if issubclass(entry.cls, Fitted):
                defaults = [f.default for f in entry.cls.Params.model_fields.values()]
                assert "auto" not in defaults, entry.cls.name
