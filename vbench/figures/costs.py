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
    memory = [
        Bar(row["arm"], f"{row['peak_memory_mb']:.0f} MB",
            [("peak", colour("baseline"), row["peak_memory_mb"])])
        for row in rows
        if row["peak_memory_mb"]
    ]  # fmt: skip
    if memory:
        figures.append(
            Figure("Memory", bar_chart(memory, "Peak memory of each arm", "MB, of its largest job"))
        )
    return figures
