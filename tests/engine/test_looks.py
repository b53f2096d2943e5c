"""Samples are looked at while a generator is trained, beside what candidates keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_benchmark import toy_spec

from vbench import api

pytestmark = pytest.mark.usefixtures("forked_workers")


def fit(out: Path, steps: int, checkpoints: int, **params: Any) -> tuple[Path, dict[str, Any]]:
    use = {"plugin": "toy-generator", "params": {"steps": steps, **params}}
    tune = {"trials": checkpoints, "checkpoints": checkpoints}
    tune |= {"parameters": ["generator.checkpoint"]}
    spec = toy_spec(generators=[use], regimes={"synthetic": True}, tune=tune)
    result = api.run(spec, out, workers=2, tracking=False)
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    (record,) = [r for r in map(json.loads, lines) if r["stage"] == "fit-generator"]
    return out / "store" / record["key"], record["result"]


@pytest.mark.parametrize(
    ("steps", "checkpoints", "expected"),
    [
        (8, 1, {2: "look-2.npy", 4: "look-4.npy", 6: "look-6.npy", 8: "samples-0.npy"}),
        (8, 2, {2: "look-2.npy", 4: "samples-0.npy", 6: "look-6.npy", 8: "samples-1.npy"}),
        (1, 1, {1: "samples-0.npy"}),
    ],
)
def test_each_quarter_is_looked_at_once(
    tmp_path: Path, steps: int, checkpoints: int, expected: dict[int, str]
) -> None:
    folder, result = fit(tmp_path, steps, checkpoints)
    assert {look["step"]: look["file"] for look in result["looks"]} == expected
    assert len(result["candidates"]) == checkpoints
    kept = {path.name for path in folder.glob("*.npy")}
    assert kept == set(expected.values()), "nothing is kept that no look names"
    for name in kept:
        assert np.load(folder / name).shape == (16, 2, 4, 4, 4)


def test_a_collapse_is_named_with_its_steps(tmp_path: Path) -> None:
    from vbench.analysis import build_leaderboard

    fit(tmp_path, 4, 1, fault="collapse")
    (row,) = build_leaderboard(tmp_path / "toys")["rows"]
    fault = "all labels are empty; all samples are the same"
    assert row["collapsed"] == [
        {
            "generator": "toy-generator",
            "seed": 0,
            "step": step,
            "fault": fault,
            "recovered": False,
        }
        for step in (1, 2, 3, 4)
    ]
