"""Scores by class, of benchmarks whose labels have several: a table beside the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import Cell, Section, metric_title
from vbench.analysis.scores import arm_scores
from vbench.analysis.summary import summary
from vbench.analysis.wording import lapses_of, number
from vbench.usertext import counted

#: What is said below the table.
RULE = (
    "by class: mean over the test subjects that have the class, in the reference or the "
    "prediction; a class that both lack is not counted, one that only one has scores as an empty "
    "mask does"
)


def class_scores(
    results: Results, arm: Arm, metrics: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, dict[str, Any]] | None:
    """Return an arm's summaries by class and metric; None where labels have one class."""
    evaluated = [results.evaluated(arm, seed) for seed in arm.evaluate]
    labels = next((e.labels for e in evaluated if e is not None and e.labels), None)
    if labels is None:
        return None
    found: dict[str, dict[str, Any]] = {}
    for label in labels:
        tables = arm_scores(results, arm, metrics, label)
        failed = [
            case.metric
            for each in evaluated
            if each is not None
            for case in each.cases
            if case.label == label and case.status == "failed"
        ]
        found[label] = {}
        for name, table in tables.items():
            there = np.asarray(np.isfinite(table.values).any(axis=0))
            if not there.any() and name not in failed:
                continue
            found[label][name] = {
                **summary(table.of(there), *ranges[name]),
                "n_failed": failed.count(name),
            }
    return found


def class_sections(
    leaderboard: Mapping[str, Any], metrics: Sequence[str] | None = None
) -> Iterator[Section]:
    """Lay the scores of each class out: a section for each cohort and metric, a column a class.

    Args:
        leaderboard: Content of leaderboard.json.
        metrics: Which to show; the one that arms are ranked by when None.
    """
    chosen = list(metrics or filter(None, [leaderboard.get("primary")]))
    for cohort, subjects in leaderboard["cohorts"].items():
        rows = [
            row for row in leaderboard["rows"] if row["cohort"] == cohort and row.get("classes")
        ]
        for name in chosen:
            labels = [
                label
                for label in (rows[0]["classes"] if rows else ())
                if any(name in row["classes"][label] for row in rows)
            ]
            if not labels:
                continue
            info = leaderboard["metrics"][name]
            cells = {label: [row["classes"][label].get(name) for row in rows] for label in labels}
            best = {label: _best(of, info["higher_is_better"]) for label, of in cells.items()}
            lines = [
                (
                    Cell(row["arm"]),
                    *(_cell(cells[label][i], best[label]) for label in labels),
                    Cell(number((row["metrics"].get(name) or {}).get("mean"))),
                )
                for i, row in enumerate(rows)
            ]
            title = f"{metric_title(name, info)} by class, {cohort} data: "
            title += counted(len(subjects), "test subject")
            yield Section(title, ("arm", *labels, "mean"), tuple(lines))


def _best(entries: Sequence[Mapping[str, Any] | None], higher: bool | None) -> float | None:
    means = [e["mean"] for e in entries if e is not None and e["mean"] is not None]
    if not means or higher is None:
        return None
    return float(max(means) if higher else min(means))


def _cell(entry: Mapping[str, Any] | None, best: float | None) -> Cell:
    if entry is None:
        return Cell("")
    text = f"{number(entry['mean'])} {lapses_of(entry)}".rstrip()
    return Cell(text, best=best is not None and entry["mean"] == best)
