"""The table of speed claims: its lines, its page, and the guard against regressions."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vbench.spec.load import load_spec

ROOT = Path(__file__).parents[1]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the table, with all lines loaded."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(ROOT / "benchmarks" / "perf")
    found = importlib.import_module("table")
    importlib.import_module("harness").load_lines()
    yield found
    for name in set(sys.modules) - before:
        if "benchmarks/perf" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def measured(*ratios: float, ours: float = 1.0) -> dict[str, Any]:
    """A line whose peer took so many times as long."""
    return {"inputs": "", "equal": "equal", "limit": "", "ours": [ours] * len(ratios),
            "peer": [ours * ratio for ratio in ratios]}  # fmt: skip


def guarded(table: ModuleType, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found: list[str] = table.fallen({"lines": {"a": new}}, {"lines": {"a": old}})
    return found


def test_a_ratio_that_fell_clearly_is_said(table: ModuleType) -> None:
    assert guarded(table, measured(10, 10, 10), measured(4, 4.5, 4.9)) == [
        "a: 4.5 × its peer's speed, 10 × is committed"
    ]


def test_noise_and_a_slower_machine_fail_nothing(table: ModuleType) -> None:
    assert not guarded(table, measured(10, 10, 10), measured(3, 4, 9))  # one round undisturbed
    assert not guarded(table, measured(10, 10), measured(10, 9, ours=50.0))
    sampling = (
        {"lines": {"patch sampling": measured(70)}},
        {"lines": {"patch sampling": measured(25)}},
    )
    assert not table.fallen(sampling[1], sampling[0])  # another processor, and the goal is met
    assert table.fallen({"lines": {"patch sampling": measured(15)}}, sampling[0])


def test_a_line_that_breaks_is_said_and_a_peer_that_is_not_there_is_not(table: ModuleType) -> None:
    broken = {"failed": "AssertionError: 1, 2"}
    assert guarded(table, measured(10), broken) == ["a: AssertionError: 1, 2"]
    assert not guarded(table, measured(10), {"missing": "DisTorch"})
    assert not guarded(table, {"missing": "DisTorch"}, measured(1))
    lacking = {"lacking": "no CUDA device"}
    assert not guarded(table, measured(10), lacking)
    page = table.markdown({"lines": {"critic step on CUDA": lacking}})
    assert "not measured: no CUDA device |" in page


def test_lines_of_another_machine_are_told_apart(table: ModuleType) -> None:
    here, there = {**measured(2), "machine": "one"}, {**measured(3), "machine": "two"}
    lines = {"dsc beside MONAI": here, "dsc beside medpy": there, "hd beside medpy": measured(4)}
    page = table.markdown({"machine": "one", "lines": lines})
    assert "Machine: one, unless a note says otherwise." in page
    assert "- Measured on two: dsc beside medpy." in page
    assert "Measured on one" not in page


def test_the_page_is_that_of_the_committed_numbers(table: ModuleType) -> None:
    committed = json.loads((ROOT / "results" / "perf.json").read_text())
    assert set(committed["lines"]) <= set(table.LINES)
    assert (ROOT / "results" / "perf.md").read_text() == table.markdown(committed)


def test_every_line_that_guards_was_measured(table: ModuleType) -> None:
    committed = json.loads((ROOT / "results" / "perf.json").read_text())["lines"]
    for name, line in table.LINES.items():
        if line.quick:
            assert "ours" in committed.get(name, {}), f"make perf ONLY='{name}'"


def test_overhead_and_growth_are_measured_on_jobs_that_do_nothing(table: ModuleType) -> None:
    jobs, spent = importlib.import_module("harnessed").measure(25)
    assert jobs > 10
    assert set(spent) == {"plan", "explain", "run", "note"}


def test_growth_is_measured_where_it_is_asked_for(table: ModuleType, tmp_path: Path) -> None:
    kinds = importlib.import_module("growth").KINDS
    assert kinds["subjects"][0][-1] == 41
    assert kinds["records"][0][-1] == 100_000
    for name, n in (("subjects", 1), ("pixels of a slice", 16**2), ("voxels of a block", 8**3)):
        (tmp_path / name).mkdir()
        kinds[name][1](n, tmp_path / name)()


def test_a_goal_that_is_missed_has_its_cause(table: ModuleType) -> None:
    committed = json.loads((ROOT / "results" / "perf.json").read_text())["lines"]
    for name, found in committed.items():
        if "missed" in table.goal(table.LINES[name], found):
            assert table.LINES[name].why, name


def test_a_quarter_of_the_papers_steps_is_that(table: ModuleType) -> None:
    changes = importlib.import_module("lines.running").quarter()
    spec = load_spec(ROOT / "benchmarks" / "paper.toml")
    less = load_spec(ROOT / "benchmarks" / "paper.toml", changes)
    for one, other in zip(
        (*spec.generators, spec.segmenter), (*less.generators, less.segmenter), strict=True
    ):
        assert other.params == {**one.params, "steps": one.params["steps"] // 4}
