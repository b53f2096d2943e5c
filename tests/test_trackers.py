"""The tracker of docs/howto/trackers.md logs what it says, and one that fails loses nothing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from documents import ROOT, blocks
from fabricate import fabricate

import vbench
from vbench import registry
from vbench.engine.teller import announce

PAGE = ROOT / "docs" / "howto" / "trackers.md"


@pytest.fixture
def plugin(tmp_path: Path) -> registry.Registry:
    (block,) = [b for b in blocks(PAGE) if b.title == "wandb_tracker.py"]
    path = tmp_path / block.title
    path.write_text(block.text)
    found = registry.load([path], only=[])
    assert found.failures == []
    return found


@pytest.fixture
def result(tmp_path: Path) -> vbench.RunResult:
    truth = {"real": 0.9, "synthetic/dcgan": 0.8}
    made = fabricate(tmp_path / "out", failed=None, audit=False, truth=truth, seeds=(0,))
    return vbench.read_result(made.folder)


def finish(plugin: registry.Registry, result: vbench.RunResult, **how: bool) -> None:
    told = {"changed": True, "tracking": True, **how}
    announce(plugin.manager, "vbench_run_finished", folder=result.folder, result=result,
             leaderboard=result.board, **told)  # fmt: skip


class FakeRun:
    def __init__(self, about: dict[str, Any]) -> None:
        self.about, self.summary, self.ended = about, dict[str, Any](), False
        self.logged: list[tuple[int, dict[str, float]]] = []

    def log(self, values: dict[str, float], *, step: int) -> None:
        self.logged.append((step, values))

    def finish(self) -> None:
        self.ended = True


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    """A module in the place of Weights & Biases, and the runs that it is asked for."""
    found: list[FakeRun] = []

    def init(**about: Any) -> FakeRun:
        found.append(FakeRun(about))
        return found[-1]

    module: Any = ModuleType("wandb")
    module.init, module.Settings = init, SimpleNamespace
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return found


def test_each_arm_is_a_run_with_its_scores_curves_and_parameters(
    plugin: registry.Registry, result: vbench.RunResult, runs: list[FakeRun]
) -> None:
    finish(plugin, result)
    assert [run.about["name"] for run in runs] == [arm.name for arm in result.arms]
    assert {run.about["mode"] for run in runs} == {"offline"}
    for run, arm in zip(runs, result.arms, strict=True):
        score = arm.row["metrics"]["dsc"]
        assert (run.summary["dsc"], run.summary["dsc_low"]) == (score["mean"], score["ci95"][0])
        assert run.about["config"]["chosen"] == arm.row["best_params"]
        steps = [step for step, _ in run.logged]
        assert steps == sorted(set(steps))
        logged = {(name, step, v) for step, values in run.logged for name, v in values.items()}
        assert logged == {(n, s, v) for n, points in arm.curves.items() for s, v in points}
        assert logged
        assert run.ended


def test_it_logs_nothing_that_is_not_new_or_not_wanted(
    plugin: registry.Registry, result: vbench.RunResult, runs: list[FakeRun]
) -> None:
    finish(plugin, result, changed=False)
    finish(plugin, result, tracking=False)
    assert runs == []


def test_without_its_library_the_run_says_so_in_one_line(
    plugin: registry.Registry,
    result: vbench.RunResult,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    finish(plugin, result)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "vbench_run_finished failed" in line
    assert "wandb" in line


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_the_library_itself_takes_it_offline(
    plugin: registry.Registry,
    result: vbench.RunResult,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    finish(plugin, result)
    assert [record.getMessage() for record in caplog.records] == []
    kept = list((result.folder / "wandb").glob("offline-run-*/*.wandb"))
    assert len(kept) == len(result.arms)
    assert any(b"dsc_low" in file.read_bytes() for file in kept)
