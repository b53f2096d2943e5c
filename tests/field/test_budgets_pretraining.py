"""rethinking-network-pruning issue 48: fine-tuning against scratch, by its own epochs alone.

The answer was that those of the training before it count, too (160 + 40, not 40).
"""

from __future__ import annotations

import json
from pathlib import Path

from command_line import vbench
from toml_text import write_toml
from toy_benchmark import toy_table


def test_what_came_before_fine_tuning_counts_and_has_a_control(tmp_path: Path) -> None:
    table = toy_table(
        regimes={"transfer": {"subjects": [1]}, "scratch": {"subjects": [1]}},
        segmenter={"plugin": "toy-segmenter", "params": {"steps": 16}},
    )
    table["regimes"]["transfer"]["params"] = {"steps": 4}
    spec = write_toml(tmp_path / "toys.toml", table)
    assert vbench("run", spec, "--out", tmp_path, "--workers", 1, "--no-tracking").code == 0
    shown = json.loads(vbench("leaderboard", "--out", tmp_path, "--format", "json").out)
    rows = {row["arm"]: row for row in shown["rows"]}
    tuned = rows["transfer/toy-generator/n1"]
    assert (tuned["budget"]["steps"], tuned["budget"]["steps_pretraining"]) == (20, 16)
    assert rows["scratch/n1"]["budget"]["steps"] == tuned["budget"]["steps_target"] == 4
    assert rows["scratch/n1/equal-steps"]["budget"]["steps"] == 20
    assert tuned["versus"]["scratch"]["dsc"]["arm"] == "scratch/n1"
    assert tuned["versus"]["control"]["dsc"]["arm"] == "scratch/n1/equal-steps"
    assert "16+4 · 160 · 1+1" in vbench("leaderboard", "--out", tmp_path).out
