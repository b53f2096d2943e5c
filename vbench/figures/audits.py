"""Fidelity and privacy: each score between its floor and its ceiling."""

from __future__ import annotations

import numpy as np

from vbench.analysis.folder import Results
from vbench.analysis.scores import metric_info
from vbench.analysis.wording import number, span
from vbench.colours import series_colour, series_mark
from vbench.figures.charts import Strip, strip_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board, with_direction


def audits(results: Results, board: Board, family: str) -> list[Figure]:
    """Return a chart for each fidelity or privacy metric: values between floor and ceiling."""
    rows = [row for row in board["rows"] if row[family]]
    figures = []
    for metric in dict.fromkeys(name for row in rows for name in row[family]):
        entries = [(row, row[family][metric]) for row in rows if metric in row[family]]
        entries = [(row, entry) for row, entry in entries if entry.get("value") is not None]
        if not entries:
            continue
        strips = [
            Strip(
                name=row["arm"] + (" ⚠ alarm" if entry.get("alarm") else ""),
                note=f"{number(entry['value'])} {span(entry.get('ci95'))}".strip(),
                group=row["arm"],
                colour=series_colour(i),
                mark=series_mark(i),
                values=[("mean over seeds", entry["value"], False)],
                ci=entry.get("ci95"),
            )
            for i, (row, entry) in enumerate(entries)
        ]
        references = [
            (bound, float(np.mean(values)))
            for bound in ("floor", "ceiling")
            if (values := [e[bound] for _, e in entries if e.get(bound) is not None])
        ]
        info = metric_info(results, metric)
        axis = with_direction(metric, info.unit, info.higher_is_better)
        words = "One row per generator, with what bounds the score on top."
        figures.append(Figure(metric, strip_chart(strips, metric, axis, words, references)))
    return figures
