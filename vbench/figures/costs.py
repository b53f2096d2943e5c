"""What each arm took: time by stage, memory."""

from __future__ import annotations

from vbench.analysis.wording import duration
from vbench.colours import colour, series_colour
from vbench.figures.charts import Bar, bar_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board


def costs(board: Board) -> list[Figure]:
    """Return time by stage, and memory, of each arm."""
    stages = dict.fromkeys(s for row in board["rows"] for s in row["seconds_by_stage"])
    paint = {stage: series_colour(i) for i, stage in enumerate(stages)}
    rows = [row for row in board["rows"] if row["seconds"]]
    if not rows:
        return []
    times = [
        Bar(row["arm"], duration(row["seconds"]),
            [(stage, paint[stage], s) for stage, s in row["seconds_by_stage"].items() if s])
        for row in rows
    ]  # fmt: skip
    figures = [
        Figure(
            "Time",
            bar_chart(times, "Time of each arm by stage", "seconds, all seeds and trials"),
            "What the arm would take by itself: jobs that arms share count in each.",
        )
    ]
    for name, field, title in (
        ("Memory", "peak_memory_mb", "Peak memory of each arm"),
        ("GPU memory", "peak_gpu_memory_mb", "Peak GPU memory of each arm"),
    ):
        bars = [
            Bar(row["arm"], f"{row[field]:.0f} MB", [("peak", colour("baseline"), row[field])])
            for row in rows
            if row.get(field)
        ]
        if bars:
            figures.append(Figure(name, bar_chart(bars, title, "MB, of its largest job")))
    return figures
