"""The three kinds of charts: a row per arm, lines with bands, stacked bars.

Each is described once, with Altair; a chart of a benchmark is this description with rows of data
and a few words filled in. Pages and files draw the resulting Vega-Lite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from vbench.colours import colour
from vbench.figures.vegalite import (
    WIDTH,
    Row,
    chart_of,
    filled,
    fitted,
    styled,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

#: What the legend filters by; what is left out of it stays as a shade.
_SHADE = 0.08


@dataclass(frozen=True)
class Strip:
    """One row of a strip chart.

    Attributes:
        name: Shown above the row.
        note: Shown at its right end.
        group: What it is called in the legend, which charts of several groups have.
        colour: ``#rrggbb``.
        mark: Shape of the dots.
        values: ``(what it is, value, undefined)``; undefined ones are hollow.
        mean: Marked by a bar, or None.
        ci: Its interval, or None.
    """

    name: str
    note: str
    group: str
    colour: str
    mark: str
    values: Sequence[tuple[str, float, bool]]
    mean: float | None = None
    ci: Sequence[float] | None = None


def strip_chart(
    strips: Sequence[Strip],
    title: str,
    axis: str,
    description: str,
    references: Sequence[tuple[str, float]] = (),
) -> dict[str, Any]:
    """Return one row per arm: its subjects as dots, mean and interval below them.

    Args:
        strips: The rows.
        title: Of the chart.
        axis: What is measured.
        description: What the chart shows, in a sentence.
        references: Names and values of what each row is compared with: rows on top, and a tick in
            each row. One that would squeeze all else together is named without a tick.
    """
    shown = [value for strip in strips for _, value, _ in strip.values]
    shown += [bound for strip in strips for bound in strip.ci or ()]
    near = _near(shown, [value for _, value in references])
    rows: list[Row] = [
        {"name": name, "note": f"{value:.4g}{'' if value in near else ', off the scale'}",
         "group": name}
        for name, value in references
    ]  # fmt: skip
    for strip in strips:
        low, high = strip.ci or (None, None)
        row = {"name": strip.name, "note": strip.note, "group": strip.group}
        rows.append({**row, "mean": strip.mean, "low": low, "high": high})
    dots = [
        {"name": s.name, "subject": what, "value": value, "undefined": gone, "group": s.group}
        for s in strips
        for what, value, gone in s.values
    ]
    ticks = [
        {"name": name, "reference": reference, "value": value}
        for reference, value in references
        if value in near
        for name in (reference, *(strip.name for strip in strips))
    ]
    groups = {s.group: s for s in strips}
    return filled(
        _strips(len(groups) > 1 and not references),
        title,
        f"{description} {axis}.",
        {"rows": rows, "dots": dots, "references": ticks},
        {
            "$axis": axis,
            "$names": [row["name"] for row in rows],
            "$groups": list(groups),
            "$colours": [s.colour for s in groups.values()],
            "$marks": [s.mark for s in groups.values()],
        },
    )


@dataclass(frozen=True)
class Line:
    """One series of a line chart, or a part of one.

    Attributes:
        name: In the legend; lines of one name are one series.
        colour: ``#rrggbb``, of the series.
        points: ``(x, y)``.
        band: ``(low, high)`` at each point, None where there is none; empty without a band.
        mark: Shape at each point; empty for none.
        joined: Whether a line joins the points.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    band: Sequence[Sequence[float] | None] = ()
    mark: str = ""
    joined: bool = True


def line_chart(
    lines: Sequence[Line],
    title: str,
    x_label: str,
    y_label: str,
    *,
    x_ticks: Sequence[float] | None = None,
    log: bool = False,
) -> dict[str, Any]:
    """Return lines with marks and bands, the legend above; ``log``: of a logarithmic x axis."""
    points: list[dict[str, Any]] = []
    for part, line in enumerate(lines):
        kind = {"series": line.name, "part": part, "dot": bool(line.mark), "joined": line.joined}
        bands = line.band or [None] * len(line.points)
        for (x, y), band in zip(line.points, bands, strict=True):
            ends = {"low": band[0], "high": band[1]} if band else {}
            points.append({**kind, "x": x, "y": y, **ends})
    series: dict[str, Line] = {}
    for line in lines:  # the one with marks says which
        if line.name not in series or not series[line.name].mark:
            series[line.name] = line
    xs = [point["x"] for point in points]
    few = bool(xs) and max(xs) - min(xs) <= 10
    if x_ticks is None and few and all(x == int(x) for x in xs):  # steps have no fractions
        x_ticks = range(int(min(xs)), int(max(xs)) + 1)
    return filled(
        _lines(log),
        title,
        f"{y_label} over {x_label}.",
        {"points": points},
        {
            "$x": x_label,
            "$y": y_label,
            "$ticks": list(x_ticks) if x_ticks is not None else None,
            "$columns": "2" if all(len(name) <= 24 for name in series) else "1",
            "$groups": list(series),
            "$colours": [line.colour for line in series.values()],
            "$marks": [line.mark or "stroke" for line in series.values()],
        },
    )


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        name: Shown above.
        note: Shown at the right end.
        parts: ``(what, colour, length)``.
    """

    name: str
    note: str
    parts: Sequence[tuple[str, str, float]]


def bar_chart(bars: Sequence[Bar], title: str, axis: str) -> dict[str, Any]:
    """Return stacked horizontal bars from 0."""
    parts = [
        {"name": bar.name, "part": what, "length": length, "order": order}
        for bar in bars
        for order, (what, _, length) in enumerate(bar.parts)
    ]
    kinds = {what: paint for bar in bars for what, paint, _ in bar.parts}
    return filled(
        _bars(len(kinds) > 1),
        title,
        f"One bar per row, {axis}.",
        {"rows": [{"name": bar.name, "note": bar.note} for bar in bars], "parts": parts},
        {
            "$axis": axis,
            "$names": [bar.name for bar in bars],
            "$groups": list(kinds),
            "$colours": list(kinds.values()),
        },
    )


@cache
def _strips(legend: bool) -> dict[str, Any]:
    import altair as alt

    x: Any = {
        "scale": alt.Scale(zero=False, nice=False, padding=10),
        "axis": alt.Axis(title="$axis"),
    }
    paint = alt.Scale(domain=["$groups"], range=["$colours"])
    guide = top_legend(alt) if legend else None
    shape = alt.Shape("group:N", scale=alt.Scale(domain=["$groups"], range=["$marks"]),
                      legend=guide)  # fmt: skip
    shown = alt.selection_point(name="shown", fields=["group"], bind="legend")
    fade = alt.when(shown).then(alt.value(1)).otherwise(alt.value(_SHADE)) if legend else None

    def layer(name: str) -> alt.Chart:
        made = chart_of(name).encode(
            y=_band(), color=alt.Color("group:N", scale=paint, legend=guide)
        )
        return made if fade is None else made.encode(opacity=fade)

    rows, dots = layer("rows"), layer("dots")
    ticks = (
        chart_of("references")
        .encode(y=_band())
        .mark_tick(orient="vertical", thickness=1.5, size=16, yOffset=3, color=colour("ink"))
    )
    says = [alt.Tooltip(f"{name}:N") for name in ("name", "subject")]
    marks = [
        dots.transform_filter(f"{'' if undefined else '!'}datum.undefined")
        .mark_point(filled=not undefined, size=48, strokeWidth=1.5, yOffset=2, opacity=0.85)
        .encode(
            x=alt.X("value:Q", **x),
            shape=shape,
            tooltip=[*says, alt.Tooltip("value:Q", format=".4g"), alt.Tooltip("undefined:N")],
        )
        for undefined in (False, True)
    ]
    if legend:
        marks[0] = marks[0].add_params(shown)
    mean = [alt.Tooltip("name:N"), alt.Tooltip("note:N", title="mean")]
    return styled(
        alt.layer(
            ticks.encode(
                x=alt.X("value:Q", **x),
                tooltip=[alt.Tooltip("reference:N"), alt.Tooltip("value:Q", format=".4g")],
            ),
            *_labels(alt),
            rows.transform_filter("isValid(datum.low)")
            .mark_rule(strokeWidth=3, yOffset=14)
            .encode(x=alt.X("low:Q", **x), x2="high:Q", tooltip=mean),
            rows.transform_filter("isValid(datum.mean)")
            .mark_tick(orient="vertical", thickness=3.5, size=10, yOffset=14)
            .encode(x=alt.X("mean:Q", **x), tooltip=mean),
            *marks,
        ).properties(width=WIDTH, height=alt.Step(44))
    )


@cache
def _lines(log: bool) -> dict[str, Any]:
    import altair as alt

    scale: Any = {"type": "log"} if log else {"zero": False}
    shown = alt.selection_point(name="shown", fields=["series"], bind="legend")
    fade = alt.when(shown).then(alt.value(1)).otherwise(alt.value(_SHADE))
    paint = alt.Scale(domain=["$groups"], range=["$colours"])
    legend = top_legend(alt, columns=alt.ExprRef("$columns"))
    axis = alt.Axis(title="$x", grid=False, format=".6~g", values=["$ticks"])
    y: Any = {"scale": alt.Scale(zero=False), "axis": alt.Axis(title="$y", titleAnchor="end")}
    base = chart_of("points").encode(
        x=alt.X("x:Q", axis=axis, scale=alt.Scale(nice=False, padding=10, **scale)),
        y=alt.Y("y:Q", **y),
        color=alt.Color("series:N", scale=paint, legend=legend),
        opacity=fade,
        detail="part:N",
        tooltip=[
            alt.Tooltip("series:N"),
            alt.Tooltip("x:Q", title="$x"),
            alt.Tooltip("y:Q", title="$y", format=".4g"),
        ],
    )
    banded = base.transform_filter("isValid(datum.low)").encode(y=alt.Y("low:Q", **y), y2="high:Q")
    shape = alt.Shape("series:N", scale=alt.Scale(domain=["$groups"], range=["$marks"]),
                      legend=legend)  # fmt: skip
    return styled(
        alt.layer(
            banded.mark_area(fillOpacity=0.14),
            banded.transform_filter("datum.dot").mark_rule(strokeWidth=1),
            base.transform_filter("datum.joined").mark_line(strokeWidth=2),
            base.transform_filter("datum.dot")
            .mark_point(filled=True, size=56)
            .encode(shape=shape)
            .add_params(shown),
            # What is pointed at says its value where no mark is seen.
            base.transform_filter("datum.joined && !datum.dot")
            .mark_point(filled=True, size=60, aria=False)
            .encode(opacity=alt.value(0)),
        ).properties(width=WIDTH + 16, height=260, autosize=fitted(alt))
    )


@cache
def _bars(legend: bool) -> dict[str, Any]:
    import altair as alt

    shown = alt.selection_point(name="shown", fields=["part"], bind="legend")
    bars = (
        chart_of("parts")
        .mark_bar(height=10, yOffset=6)
        .encode(
            x=alt.X("length:Q", stack="zero", scale=alt.Scale(nice=False),
                    axis=alt.Axis(title="$axis")),
            y=_band(),
            color=alt.Color("part:N", scale=alt.Scale(domain=["$groups"], range=["$colours"]),
                            legend=top_legend(alt) if legend else None),
            order="order:Q",
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("part:N"),
                     alt.Tooltip("length:Q", title="$axis", format=".4g")],
        )
    )  # fmt: skip
    if legend:
        fade = alt.when(shown).then(alt.value(1)).otherwise(alt.value(_SHADE))
        bars = bars.encode(opacity=fade).add_params(shown)
    chart = alt.layer(bars, *_labels(alt))
    return styled(chart.properties(width=WIDTH, height=alt.Step(36)))


def _band() -> alt.Y:
    """Return the axis of rows: in their order, without labels."""
    import altair as alt

    return alt.Y("name:N", axis=None, scale=alt.Scale(domain=["$names"], padding=0))


def _labels(alt: Any) -> list[alt.Chart]:
    """Return the name above each row, and its note at the right end."""
    rows = chart_of("rows").encode(y=_band())
    name = rows.mark_text(align="left", fontWeight=600, fontSize=12, yOffset=-12, limit=WIDTH)
    note = rows.mark_text(align="right", fontSize=11, yOffset=-12)
    return [
        name.encode(x=alt.value(0), text="name:N"),
        note.encode(x=alt.value("width"), text="note:N"),
    ]


def _near(shown: Sequence[float], references: Sequence[float]) -> list[float]:
    """Return the references that leave the rest of the chart readable.

    The nearest one always; another one unless it would squeeze all else into a hundredth.
    """
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return list(references)
    kept: list[float] = []
    for value in sorted(references, key=lambda value: max(abs(value - one) for one in finite)):
        span = max([*finite, *kept]) - min([*finite, *kept])
        far = max(max(finite) - value, value - min(finite), 0.0)
        if not kept or span == 0 or far <= 100 * span:
            kept.append(value)
    return kept
