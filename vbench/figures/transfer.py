"""Transfer curves: pre-trained and from scratch, by number of patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

from vbench.analysis.ceiling import reached
from vbench.analysis.controls import explained
from vbench.analysis.layout import short_name
from vbench.analysis.wording import number, pretrained_on, segmenters, span, targets, with_segmenter
from vbench.colours import colour, series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.figures.strips import Board, axis

#: Rows of a leaderboard by regime, generator or control, and number of patients.
Rows: TypeAlias = Mapping[tuple[str, str | None, int | None], Mapping[str, Any]]


def transfer(board: Board, metrics: Sequence[str]) -> list[Figure]:
    """Return a transfer curve for each metric: pre-trained, scratch, control, with bands."""
    figures = []
    rows = [r for r in board["rows"] if r["status"] == "ok" and r.get("steps") is None]
    for metric, segmenter, cohort in product(metrics, segmenters(rows), targets(rows)):
        own = {
            (r["regime"], r["generator"] or r["control"], r["n_subjects"]): r
            for r in rows
            if segmenter in (None, r["segmenter"]) and cohort in (None, r["cohort"])
        }
        lines = [line for line in _lines(own, metric) if line.points]
        if len(lines) < 2:
            continue
        title = with_segmenter(f"Transfer curve, {short_name(metric)}", segmenter, cohort)
        xs = sorted({x for line in lines for x, _ in line.points})
        body = line_chart(lines, title, "patients of the second data set", axis(board, metric),
                          x_ticks=xs)  # fmt: skip
        figures.append(Figure(title, body, "\n".join(_gains(board, metric, (segmenter, cohort)))))
    return figures


def _lines(rows: Rows, metric: str) -> list[Line]:
    """Return a line for each generator, then from scratch, then the control."""
    generators = dict.fromkeys(name for regime, name, _ in rows if regime == "transfer")
    kinds: list[tuple[str, str | None, str]] = [
        ("transfer", generator, f"pre-trained on {pretrained_on(generator)}")
        for generator in generators
    ]
    kinds += [
        ("scratch", None, "from scratch, as many steps on them"),
        ("scratch", "equal-steps", "from scratch, as many in all"),
    ]
    return [_curve(rows, regime, kind, metric, name, i)
            for i, (regime, kind, name) in enumerate(kinds)]  # fmt: skip


def _curve(
    rows: Rows,
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


def _gains(board: Board, metric: str, which: tuple[str | None, ...]) -> Iterator[str]:
    for curve in board["transfer"]:
        if (curve["metric"], curve.get("segmenter"), curve.get("cohort")) == (metric, *which):
            unit = board["metrics"][metric]["unit"]
            near = f" It reaches {found}." if (found := reached(curve)) else ""
            size = f"{curve['area']:+.3f}{f' {unit}' if unit else ''} {span(curve['area_ci95'], 3)}"
            on = pretrained_on(curve["generator"], *which)
            yield (
                f"Pre-trained on {on}: {size} on average over the range (area between the curves / "
                "range) to scratch with as many steps on these "
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
