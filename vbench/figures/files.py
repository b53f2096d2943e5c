"""Writes an arm's figures to files: charts as SVG, samples and projections as PNG."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.analysis.wording import headline
from vbench.figures.gallery import arm_projections, chosen_samples, previews, sheet_file
from vbench.figures.strips import arm_strips
from vbench.figures.training import generator_curves, segmenter_curves
from vbench.regimes import MAIN_REFERENCES


def write_figures(
    folder: Path, store: Path, results: Results, arm: Arm, leaderboard: dict[str, Any]
) -> None:
    """Write the arm's charts as SVG, its samples and projections as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    row = next(row for row in leaderboard["rows"] if row["arm"] == arm.name)
    if row["status"] == "ok":
        others = [entry["arm"] for ref in MAIN_REFERENCES for entry in _first(row, ref)]
        for metric in headline(leaderboard):
            chart = arm_strips(results, leaderboard, [arm.name, *others], metric, arm.name)
            chart.write(folder, f"{metric}-per-subject", "svg")
    for start, curves in (
        ("segmenter", segmenter_curves(results, arm)),
        ("generator", generator_curves(results, arm) if arm.generator else []),
    ):
        for figure in curves:
            name = _file_name(f"{start} {figure.title.rpartition(': ')[2]}")
            figure.write(folder, name, "svg")
    found = chosen_samples(results, arm, store)
    if found is not None:
        (folder / "samples.png").write_bytes(sheet_file(found[1]))
    if arm.shares:
        for preview in previews(results, arm, store):
            path = folder / "samples" / f"seed-{preview.seed}-step-{preview.step:06d}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(preview.file)
    for shown in arm_projections(results, leaderboard, arm, store):
        (folder / f"{shown.word}.png").write_bytes(shown.file)


def _file_name(words: str) -> str:
    """Return words that a plugin chose as a file name of one part."""
    return re.sub(r"[^A-Za-z0-9 _-]", "_", words)[:100]


def _first(row: dict[str, Any], reference: str) -> list[dict[str, Any]]:
    return list(row["versus"].get(reference, {}).values())[:1]
