"""Writes what MLflow keeps beside an arm's numbers: tables, spec, figures, weights."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from vbench import ArmResult, RunResult
from vbench.files import write_csv


def write_artifacts(folder: Path, result: RunResult, arm: ArmResult, *, weights: bool) -> None:
    """Write an arm's artifacts to a folder.

    Args:
        folder: Exists; ends up with ``cases.csv``, ``leaderboard_row.json``, ``spec.json``,
            ``provenance.json``, ``figures/`` and ``weights/``.
        result: The benchmark.
        arm: The arm.
        weights: Whether the chosen weights are linked (or copied) too.
    """
    _json(folder / "leaderboard_row.json", arm.row)
    _json(folder / "spec.json", result.plan.get("spec", {}))
    _json(folder / "provenance.json", result.plan.get("provenance", {}))
    _cases(folder / "cases.csv", arm, list(result.board["metrics"]))
    arm.write_figures(folder / "figures")
    if weights:
        _weights(folder / "weights", arm)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")


def _cases(path: Path, arm: ArmResult, metrics: list[str]) -> None:
    """Write the arm's scores, a line per subject and seed, a column per metric."""
    write_csv(path, [["subject", "seed", *metrics], *(row.values() for row in arm.scores)])


def _weights(folder: Path, arm: ArmResult) -> None:
    for seed, source in arm.weights.items():
        folder.mkdir(exist_ok=True)
        target = folder / f"seed-{seed}.safetensors"
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
