"""Benchmarks whose answers are known: copies, noise, mixtures, and labels that say nothing."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import run
from known_answers import answers

null = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "null.py"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    result = run(answers(seeds=2), tmp_path_factory.mktemp("answers"))
    assert result.ok
    return {row["arm"]: row for row in result.board["rows"]}


def dsc(row: dict[str, Any]) -> float:
    return float(row["metrics"]["dsc"]["mean"])


def test_a_copy_is_as_good_as_real(rows: dict[str, dict[str, Any]]) -> None:
    versus = rows["synthetic/copy"]["versus"]["real"]["dsc"]
    assert dsc(rows["real"]) > 0.85
    assert abs(versus["difference"]) < 0.02
    assert versus["ci95"][0] < 0 < versus["ci95"][1]


def test_noise_teaches_nothing(rows: dict[str, dict[str, Any]]) -> None:
    row = rows["synthetic/noise"]
    assert dsc(row) < 0.3
    assert row["versus"]["real"]["dsc"]["ci95"][1] < -0.1


@pytest.mark.parametrize("generator", ["copy", "noise"])
def test_mixed_is_as_good_as_the_better_one_within_its_interval(
    rows: dict[str, dict[str, Any]], generator: str
) -> None:
    better = max(dsc(rows["real"]), dsc(rows[f"synthetic/{generator}"]))
    assert rows[f"mixed/{generator}"]["metrics"]["dsc"]["ci95"][1] >= better


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    found: dict[str, list[float]] = {}
    for number in range(4):
        for arm, beyond in null["one"](number, True, tmp_path / str(number)).items():
            found.setdefault(arm, []).append(float(beyond.value))
    assert len(found) == 3
    assert all(abs(np.mean(values)) < 0.08 for values in found.values()), found


def test_chance_is_beaten_by_what_can_be_learnt(tmp_path: Path) -> None:
    beyond = null["one"](0, False, tmp_path)["real"]
    assert beyond.value > 0.6
    assert beyond.p() < 1e-4
