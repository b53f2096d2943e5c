"""Dose curves: the score by the number of synthetic patches, beside real patches alone."""

from __future__ import annotations

from collections.abc import Sequence

from vbench.analysis.dose import trained_on
from vbench.analysis.layout import short_name
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
        real = next((r for r in board["rows"] if r["arm"] == "real" and r["status"] == "ok"), None)
        if real is not None and real["metrics"][metric]["mean"] is not None:
            entry = real["metrics"][metric]
            ends = [(x, entry["mean"]) for x in (xs[0], xs[-1])]
            lines.append(Line("real patches only", colour("real"), ends, [entry["ci95"]] * 2))
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
