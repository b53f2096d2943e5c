"""The score of each arm by the steps of its segmenter."""

from __future__ import annotations

from collections.abc import Sequence

from vbench.analysis.layout import short_name
from vbench.analysis.wording import number, span
from vbench.colours import series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board, axis


def steps(board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a figure for each cohort and metric: a line per arm, over optimiser steps."""
    figures = []
    cohort_of = {row["arm"]: row["cohort"] for row in board["rows"]}
    for cohort in board["cohorts"]:
        for metric in metrics:
            curves = [
                curve
                for curve in board["steps"]
                if curve["metric"] == metric and cohort_of[curve["arm"][0]] == cohort
            ]
            if not curves:
                continue
            lines = [
                Line(
                    curve["base"],
                    series_colour(i),
                    list(zip(curve["steps"], curve["mean"], strict=True)),
                    curve["ci95"],
                    series_mark(i),
                )
                for i, curve in enumerate(curves)
            ]
            title = f"{short_name(metric)} by steps of the segmenter, {cohort} data"
            xs = sorted({x for curve in curves for x in curve["steps"]})
            body = line_chart(
                lines, title, "optimiser steps in all", axis(board, metric), x_ticks=xs, log=True
            )
            ratios = [
                f"{curve['base']} {', '.join(_ratios(curve))} of real"
                for curve in curves
                if any(ratio is not None for ratio in curve["ratio"])
            ]
            words = f"With as many steps: {'; '.join(ratios)}." if ratios else ""
            figures.append(Figure(title, body, words))
    return figures


def _ratios(curve: dict[str, list[object]]) -> list[str]:
    return [
        f"{number(ratio, 3)} {span(ci, 3)}".strip() + f" at {steps:g}"  # type: ignore[arg-type]
        for steps, ratio, ci in zip(
            curve["steps"], curve["ratio"], curve["ratio_ci95"], strict=True
        )
        if ratio is not None
    ]
