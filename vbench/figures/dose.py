"""Dose curves: the score by the number of synthetic patches, beside real patches alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vbench.analysis.dose import trained_on
from vbench.analysis.layout import short_name
from vbench.analysis.wording import with_segmenter
from vbench.colours import colour, series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board, axis


def dose(board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a dose curve for each metric: a line per regime and generator, and one for real."""
    figures = []
    for metric in metrics:
        curves = [curve for curve in board["dose"] if curve["metric"] == metric]
        if not curves:
            continue
        lines = [
            Line(
                trained_on(curve),
                series_colour(i),
                list(zip(curve["dose"], curve["mean"], strict=True)),
                curve["ci95"],
                series_mark(i),
            )
            for i, curve in enumerate(curves, start=1)
        ]
        xs = sorted({x for curve in curves for x in curve["dose"]})
        for segmenter in dict.fromkeys(curve.get("segmenter") for curve in curves):
            entry = _real(board, metric, segmenter)
            if entry is not None:
                ends = [(x, entry["mean"]) for x in (xs[0], xs[-1])]
                name = with_segmenter("real patches only", segmenter)
                lines.append(Line(name, colour("real"), ends, [entry["ci95"]] * 2))
        title = f"Dose curve, {short_name(metric)}"
        body = line_chart(
            lines,
            title,
            "synthetic patches / real patches",
            axis(board, metric),
            x_ticks=xs,
            log=True,
        )
        words = "All doses learn from one fit of the generator, for as many steps of the segmenter."
        figures.append(Figure(title, body, words))
    return figures


def _real(board: Board, metric: str, segmenter: str | None) -> dict[str, Any] | None:
    """Return the score of real patches alone, of the spec's own steps; None without one."""
    for row in board["rows"]:
        if row["regime"] == "real" and row["status"] == "ok" and row.get("steps") is None:
            entry: dict[str, Any] = row["metrics"][metric]
            if segmenter in (None, row["segmenter"]) and entry["mean"] is not None:
                return entry
    return None
