"""Transfer curves: pre-trained and from scratch, by number of patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vbench.analysis.ceiling import reached
from vbench.analysis.controls import explained
from vbench.analysis.layout import short_name
from vbench.analysis.wording import number, pretrained_on, span
from vbench.colours import colour, series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board, axis


def transfer(board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a transfer curve for each metric: pre-trained, scratch, control, with bands."""
    figures = []
    rows = {
        (r["regime"], r["generator"] or r["control"], r["n_subjects"]): r
        for r in board["rows"]
        if r["status"] == "ok" and r.get("steps") is None
    }
    generators = dict.fromkeys(name for regime, name, _ in rows if regime == "transfer")
    for metric in metrics:
        lines = [
            _curve(
                rows, "transfer", generator, metric, f"pre-trained on {pretrained_on(generator)}", i
            )
            for i, generator in enumerate(generators)
        ]
        lines.append(
            _curve(rows, "scratch", None, metric, "from scratch, as many steps on them", len(lines))
        )
        lines.append(
            _curve(
                rows, "scratch", "equal-steps", metric, "from scratch, as many in all", len(lines)
            )
        )
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
    kind: str | None,
    metric: str,
    name: str,
    index: int,
) -> Line:
    found = sorted(
        (n, row["metrics"][metric]["mean"], row["metrics"][metric]["ci95"])
        for (r, g, n), row in rows.items()
        if r == regime and g == kind and n is not None
        if row["metrics"][metric]["mean"] is not None
    )
    plain = regime == "scratch" and kind is None
    control = regime == "scratch" and kind is not None
    paint = colour("scratch") if plain else colour("baseline") if control else series_colour(index)
    mark = "triangle-down" if plain else "cross" if control else series_mark(index)
    points = [(float(n), mean) for n, mean, _ in found]
    return Line(name, paint, points, [ci for _, _, ci in found], mark)


def _gains(board: Board, metric: str) -> Iterator[str]:
    for curve in board["transfer"]:
        if curve["metric"] == metric:
            unit = board["metrics"][metric]["unit"]
            near = f" It reaches {found}." if (found := reached(curve)) else ""
            size = f"{curve['area']:+.3f}{f' {unit}' if unit else ''} {span(curve['area_ci95'], 3)}"
            yield (
                f"Pre-trained on {pretrained_on(curve['generator'])}: {size} on average over the "
                "range (area between the curves / range) to scratch with as many steps on these "
                f"patients. {_equal_training(curve)} {worth(curve)}{near}"
            ).strip()


def _equal_training(curve: Mapping[str, Any]) -> str:
    """Say what remains of the gain at each n when scratch trains for as many steps in all."""
    tested = [
        f"{entry['gain']:+.3f} {span(entry['ci95'], 3)} at n = {n}, {explained(entry)}"
        for n, entry in zip(curve["n"], curve["control"], strict=True)
        if entry is not None
    ]
    if not tested:
        return f"{explained(None).capitalize()}."
    return f"To scratch with as many steps in all: {'; '.join(tested)}."


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
    return (
        "Worth in patients: that many more are needed from scratch with as many steps on them, "
        f"the effect of longer training included: {', '.join(parts)}."
    )
