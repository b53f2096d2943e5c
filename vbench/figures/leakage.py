"""Utility against leakage: one mark for each arm that shares synthetic patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vbench.analysis.folder import Results
from vbench.analysis.layout import short_name
from vbench.analysis.scores import metric_info
from vbench.analysis.wording import number, span
from vbench.figures.figure import Figure
from vbench.figures.scatter import Mark, scatter_chart
from vbench.figures.strips import Board, axis

Row = Mapping[str, Any]
#: What a leakage is, from 0 to 1: value, interval, and what says so. None: not known.
Leak = tuple[float, Sequence[float] | None, str]

CAPTION = (
    "To the left leaks less, {up} scores better; lines are 95 % intervals. No alarm is no proof of "
    "privacy."
)


def leakage(results: Results, board: Board) -> list[Figure]:
    """Return utility against the worst patient's risk, and against the strongest privacy score.

    Either is there when any arm has its leakage.
    """

    def strongest(row: Row) -> Leak | None:
        return strongest_score(row, lambda name: metric_info(results, name).higher_is_better)

    kinds: tuple[tuple[str, str, Callable[[Row], Leak | None]], ...] = (
        ("risk of the worst patient", "risk of the worst training patient", worst_patient),
        (
            "strongest privacy score",
            "strongest privacy score (0: as of unseen patients, 1: as of copies)",
            strongest,
        ),
    )
    figures = (_figure(board, f"Utility against {what}", x, leak) for what, x, leak in kinds)
    return [figure for figure in figures if figure is not None]


def worst_patient(row: Row) -> Leak | None:
    """Return the risk of the training patient of whom most was found."""
    worst = row.get("worst_patient")
    return None if worst is None else (worst["value"], worst["ci95"], worst["metric"])


def strongest_score(row: Row, higher_is_better: Callable[[str], bool | None]) -> Leak | None:
    """Return the privacy score that is nearest to its ceiling, between floor (0) and ceiling (1).

    Scores that lie outside are put to the end. A score whose ceiling is not on the leaking side of
    its floor tells nothing.
    """
    return max(_scaled(row, higher_is_better), key=lambda leak: leak[0], default=None)


def _scaled(row: Row, higher_is_better: Callable[[str], bool | None]) -> Iterator[Leak]:
    for name, entry in row["privacy"].items():
        value, floor, ceiling = (entry.get(field) for field in ("value", "floor", "ceiling"))
        if value is None or floor is None or ceiling is None or floor == ceiling:
            continue
        better = higher_is_better(name)
        if better is None or better == (ceiling < floor):
            ends = [value, *(entry.get("ci95") or ())]
            at, *ci = (min(1.0, max(0.0, (end - floor) / (ceiling - floor))) for end in ends)
            bounds = f"{number(value)} between {number(floor)} and {number(ceiling)}"
            yield at, sorted(ci) or None, f"{name} {bounds}"


def _figure(board: Board, title: str, x: str, leak: Callable[[Row], Leak | None]) -> Figure | None:
    primary = board["primary"]
    rows = [row for row in board["rows"] if row.get("verdict") and row["status"] == "ok"]
    marks, missing = [], []
    for row in rows:
        found, score = leak(row), row["metrics"].get(primary, {})
        if found is None or score.get("mean") is None:
            missing.append(row["arm"])
        else:
            marks.append(_mark(row, primary, score, found))
    if not marks:
        return None
    real = [
        row["metrics"][primary]["mean"]
        for row in board["rows"]
        if row["regime"] == "real" and row["metrics"][primary]["mean"] is not None
    ]
    better = board["metrics"][primary]["higher_is_better"]
    caption = CAPTION.format(up="down" if better is False else "up")
    if missing:
        caption += f" Without a mark, since their leakage is not known: {', '.join(missing)}."
    chart = scatter_chart(
        marks, title, x, axis(board, primary), reference=("real", real[0]) if real else None
    )
    return Figure(title, chart, caption)


def _mark(row: Row, primary: str, score: Row, leak: Leak) -> Mark:
    x, x_ci, by = leak
    ratio = row["versus"].get("real", {}).get(primary) or {}
    return Mark(
        name=row["arm"],
        label=row["arm"].removeprefix(f"{row['regime']}/"),
        group=row["verdict"],
        x=x,
        y=score["mean"],
        x_ci=x_ci,
        y_ci=score["ci95"],
        says={
            "privacy": row["verdict"],
            "leakage": f"{number(x, 2)} {span(x_ci, 2)}".strip(),
            "by": by,
            short_name(primary): f"{number(score['mean'])} {span(score['ci95'])}".strip(),
            "of real": f"{number(ratio.get('ratio'))} {span(ratio.get('ratio_ci95'))}".strip(),
        },
    )
