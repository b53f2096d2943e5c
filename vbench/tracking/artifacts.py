"""Writes what MLflow keeps beside an arm's numbers: tables, spec, figures, weights."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.analysis.scores import arm_scores, segmentation_metrics
from vbench.analysis.wording import headline


def write_artifacts(
    folder: Path,
    out: Path,
    results: Results,
    arm: Arm,
    leaderboard: dict[str, Any],
    *,
    weights: bool,
) -> None:
    """Write an arm's artifacts to a folder.

    Args:
        folder: Exists; ends up with ``cases.csv``, ``leaderboard_row.json``, ``spec.json``,
            ``provenance.json``, ``figures/`` and ``weights/``.
        out: Results folder, for the store.
        results: The benchmark.
        arm: The arm.
        leaderboard: Content of leaderboard.json.
        weights: Whether the chosen weights are linked (or copied) too.
    """
    row = next(row for row in leaderboard["rows"] if row["arm"] == arm.name)
    _json(folder / "leaderboard_row.json", row)
    _json(folder / "spec.json", results.plan.get("spec", {}))
    _json(folder / "provenance.json", results.plan.get("provenance", {}))
    _cases(folder / "cases.csv", results, arm)
    _figures(folder / "figures", out / "store", results, arm, leaderboard)
    if weights:
        _weights(folder / "weights", out, results, arm)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")


def _cases(path: Path, results: Results, arm: Arm) -> None:
    """Write the arm's scores, a line a subject and seed, a column a metric."""
    names = segmentation_metrics(results)
    tables = arm_scores(results, arm, names)
    first = next(iter(tables.values()), None)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "seed", *names])
        for row, seed in enumerate(first.seeds if first else ()):
            for column, subject in enumerate(first.subjects if first else ()):
                values = [tables[name].values[row, column] for name in names]
                writer.writerow(
                    [subject, seed, *("" if v != v else repr(float(v)) for v in values)]
                )


def _figures(
    folder: Path, store: Path, results: Results, arm: Arm, leaderboard: dict[str, Any]
) -> None:
    """Write the arm's charts as SVG, its samples and projections as PNG."""
    from vbench.figures.gallery import SHOWN, arm_projections, chosen_samples, looks
    from vbench.figures.pixels import enlarge, patch_sheet, png
    from vbench.figures.strips import arm_strips
    from vbench.figures.training import generator_curves, segmenter_curves

    folder.mkdir(exist_ok=True)
    row = next(row for row in leaderboard["rows"] if row["arm"] == arm.name)
    if row["status"] == "ok":
        others = [entry["arm"] for ref in ("real", "scratch") for entry in _first(row, ref)]
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
        (folder / "samples.png").write_bytes(png(enlarge(patch_sheet(found[1][:SHOWN]))))
    if arm.regime == "synthetic":
        for look in looks(results, arm, store):
            path = folder / "samples" / f"seed-{look.seed}-step-{look.step:06d}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(look.file)
    for shown in arm_projections(results, leaderboard, arm, store):
        (folder / f"{shown.word}.png").write_bytes(shown.file)


def _file_name(words: str) -> str:
    """Return words that a plugin chose as a file name of one part."""
    return re.sub(r"[^A-Za-z0-9 _-]", "_", words)[:100]


def _first(row: dict[str, Any], reference: str) -> list[dict[str, Any]]:
    return list(row["versus"].get(reference, {}).values())[:1]


def _weights(folder: Path, out: Path, results: Results, arm: Arm) -> None:
    for seed, key in arm.evaluate.items():
        trial = (results.result(key) or {}).get("trial")
        for fit in arm.trials.get(seed, ()):
            source = out / "store" / fit / "weights.safetensors"
            if (results.result(fit) or {}).get("trial") != trial or not source.is_file():
                continue
            folder.mkdir(exist_ok=True)
            target = folder / f"seed-{seed}.safetensors"
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
