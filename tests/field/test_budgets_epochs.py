"""nnU-Net issue 1252: an epoch took as long with 10 % of the cases as with all of them.

Its epochs are 250 steps whatever there is to learn from, so a tenth of the cases is seen ten times
as often. A length in ``epochs`` is of the patches that an arm is given.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import toy_table


@pytest.mark.parametrize(("length", "seen"), [("steps", [24, 24]), ("epochs", [24, 48])])
def test_the_length_of_training_follows_the_patches_or_does_not(
    tmp_path: Path, length: str, seen: list[int]
) -> None:
    params = {"width": 2, "depth": 1, "batch_size": 4, "overlap": 0.0, "precision": "float32"}
    params |= {"memory_format": "contiguous", length: 6 if length == "steps" else 3}
    table = toy_table(
        regimes={"scratch": {"subjects": [1, 2]}},
        segmenter={"plugin": "unet3d", "params": params},
        patches={"size": [8, 8, 8], "per_subject": 8},
    )
    spec = write_toml(tmp_path / "toys.toml", table)
    options = ("--device", "cpu", "--workers", 1, "--no-tracking")
    assert vbench("run", spec, "--out", tmp_path, *options).code == 0
    shown = json.loads(vbench("leaderboard", "--out", tmp_path, "--format", "json").out)
    budgets = {row["arm"]: row["budget"] for row in shown["rows"]}
    assert [budgets[f"scratch/n{n}"]["patches_target"] for n in (1, 2)] == seen
    assert [budgets[f"scratch/n{n}"]["steps"] for n in (1, 2)] == [s // 4 for s in seen]
    used = [row["best_params"]["0"]["steps"] for row in shown["rows"]]
    assert sorted(used) == sorted(s // 4 for s in seen)
