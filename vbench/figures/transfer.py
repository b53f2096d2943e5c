"""Transfer curves: pre-trained and from scratch, by number of patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vbench.analysis.layout import short_name
from vbench.analysis.wording import number, span
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.figures.looks import series_class, series_mark
from vbench.figures.strips import Board, axis


def transfer(board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a transfer curve for each metric: pre-trained arms and scratch, with bands."""
    figures = []
    rows = {
        (r["regime"], r["generator"], r["n_subjects"]): r
        for r in board["rows"]
        if r["status"] == "ok"
    }
    generators = dict.fromkeys(g for regime, g, _ in rows if regime == "transfer")
    for metric in metrics:
        lines = [
            _curve(rows, "transfer", generator, metric, f"pre-trained on {generator}", i)
            for i, generator in enumerate(generators)
        ]
        lines.append(_curve(rows, "scratch", None, metric, "from scratch", len(lines)))
        lines = [line for line in lines if line.points]
        if len(lines) < 2:
            continue
        title = f"Transfer curve, {short_name(metric)}"
        xs = sorted({x for line in lines for x, _ in line.points})
        body = line_chart(lines, title, "patients of the second data set", axis(board, metric),
                          x_ticks=xs)  # fmt: skip
        figures.append(Figure(title, body, "\n".join(_gains(board, metric))))
    return figures


def _curve(
    rows: Mapping[tuple[str, str | None, int | None], Mapping[str, Any]],
    regime: str,
    generator: str | None,
    metric: str,
    name: str,
    index: int,
) -> Line:
    found = sorted(
        (n, row["metrics"][metric]["mean"], row["metrics"][metric]["ci95"])
        for (r, g, n), row in rows.items()
        if r == regime and g == generator and n is not None
        if row["metrics"][metric]["mean"] is not None
    )
    style = "c-scratch" if regime == "scratch" else series_class(index)
    mark = "down" if regime == "scratch" else series_mark(index)
    points = [(float(n), mean) for n, mean, _ in found]
    return Line(name, style, points, [ci for _, _, ci in found], mark)


def _gains(board: Board, metric: str) -> Iterator[str]:
    for curve in board["transfer"]:
        if curve["metric"] == metric:
            unit = board["metrics"][metric]["unit"]
            size = f"{curve['area']:+.3f}{f' {unit}' if unit else ''} {span(curve['area_ci95'], 3)}"
            yield f"Pre-training on {curve['generator']} gains {size.strip()} on average"
            yield f"over the range (area between the curves / range). {worth(curve)}".strip()


def worth(curve: Mapping[str, Any]) -> str:
    """Say how many patients pre-training is worth at each n, with the interval."""
    parts = []
    for n, value, gain, ci, most in zip(
        *(curve[name] for name in ("n", "worth", "gain", "worth_ci95", "worth_limit")), strict=True
    ):
        if most == 0:  # the last n: the curve from scratch says nothing beyond it
            continue
        beyond = f"over {most}" if gain > 0 else f"below {curve['n'][0] - n}"
        size = beyond if value is None else number(value, 1)
        ends = ["open" if end is None else number(end, 1) for end in ci or ()]
        parts.append(f"{size} [{', '.join(ends) or 'not known'}] at n = {n}")
    if not parts:
        return ""
    return f"Worth in patients, so many more are needed from scratch: {', '.join(parts)}."
