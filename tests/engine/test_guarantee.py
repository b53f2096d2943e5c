"""The guarantee of a privately trained generator is part of its fit's record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from toy_benchmark import TOYS, toy_plan

from vbench.engine.context import Context
from vbench.engine.stages import fit_generator
from vbench.engine.store import Store
from vbench.records.training import FitGeneratorInputs, FitGeneratorResult
from vbench.registry import for_paths
from vbench.testing import ToyPatches

SIZE = (8, 8, 8)


def fitted(folder: Path, monkeypatch: pytest.MonkeyPatch, plugin: str, **given: float) -> object:
    """Do one ``fit-generator`` job in this process, and return its result as the record has it."""
    monkeypatch.setattr(fit_generator, "real_patches", lambda *_: ToyPatches(SIZE))
    registry = for_paths((TOYS,))
    cls = registry.get("generator", plugin).cls
    uses = [{"plugin": plugin, "params": {**cls.tiny, **given}}]
    plan = toy_plan(patches__size=list(SIZE), generators=uses)
    (job,) = [job for job in plan.jobs.values() if isinstance(job.inputs, FitGeneratorInputs)]
    assert isinstance(job.inputs, FitGeneratorInputs)
    job = replace(job, inputs=job.inputs.model_copy(update={"train": ()}))
    store = Store(folder)
    store.create()
    context = Context(job, store, folder, registry, "cpu", lambda *_: None, 1e9)
    result = fit_generator.STAGE.run(context, job.inputs)
    return FitGeneratorResult.read(result.to_json(), "here").guarantee


def test_it_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dp_accounting", reason="needs the extra `dp`")
    found = fitted(tmp_path, monkeypatch, "dp-wgan", epsilon=2.0)
    assert isinstance(found, dict)
    assert found["epsilon"] == pytest.approx(2.0)
    assert (found["unit"], found["delta"]) == ("patient", 1e-3)


def test_a_generator_without_one_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fitted(tmp_path, monkeypatch, "copy") is None
    assert "guarantee" not in FitGeneratorResult().to_json()
