"""Strip plots: every test subject of every arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vbench.analysis.folder import Results
from vbench.analysis.layout import short_name
from vbench.analysis.scores import ArmScores, arm_scores
from vbench.analysis.stats import per_subject
from vbench.analysis.wording import number, span
from vbench.colours import colour
from vbench.figures.charts import Strip, strip_chart
from vbench.figures.figure import Figure
from vbench.regimes import named

Board = Mapping[str, Any]


def strips(results: Results, board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a strip plot for each cohort and metric: one mark per test subject."""
    figures = []
    for cohort in board["cohorts"]:
        names = [r["arm"] for r in board["rows"] if r["cohort"] == cohort and r["status"] == "ok"]
        for metric in metrics:
            title = f"{short_name(metric)} per subject, {cohort} data"
            if names:
                figures.append(arm_strips(results, board, names, metric, title))
    return figures


def arm_strips(
    results: Results, board: Board, names: Sequence[str], metric: str, title: str
) -> Figure:
    """Draw the test subjects of these arms, a row per arm."""
    arms = {arm.name: arm for arm in results.arms}
    rows = {row["arm"]: row for row in board["rows"]}
    drawn = [
        _strip(rows[name], arm_scores(results, arms[name], [metric])[metric], metric)
        for name in names
    ]
    words = "One row per arm, one mark per subject; mean and interval below."
    return Figure(title, strip_chart(drawn, title, axis(board, metric), words))


def axis(board: Board, metric: str) -> str:
    """Name a metric on an axis, with unit and direction."""
    info = board["metrics"][metric]
    return with_direction(short_name(metric), info["unit"], info["higher_is_better"])


def with_direction(name: str, unit: str, higher_is_better: bool | None) -> str:
    """Add unit and direction to a name, such as ``HD95 (mm, lower is better)``."""
    better = {True: "higher is better", False: "lower is better", None: ""}
    inside = ", ".join(word for word in (unit, better[higher_is_better]) if word)
    return name + (f" ({inside})" if inside else "")


def _strip(row: Mapping[str, Any], scores: ArmScores, metric: str) -> Strip:
    entry = row["metrics"][metric]
    values = per_subject(scores.values)
    undefined = scores.undefined.any(axis=0) if len(scores.undefined) else scores.undefined
    return Strip(
        name=row["arm"],
        note=f"{number(entry['mean'])} {span(entry['ci95'])}".strip(),
        group=row["regime"],
        colour=colour(named(row["regime"]).colour),
        mark=named(row["regime"]).mark,
        values=[
            (subject, float(value), bool(gone))
            for subject, value, gone in zip(scores.subjects, values, undefined, strict=True)
            if math.isfinite(value)
        ],
        mean=entry["mean"],
        ci=entry["ci95"],
    )
