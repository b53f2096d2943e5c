"""The kinds of charts: strips, lines with bands, stacked bars, values between bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from vbench.figures.svg import WIDTH, Canvas, Scale, limits, tick_text, ticks

_LEFT, _RIGHT = 8.0, WIDTH - 8.0


@dataclass(frozen=True)
class Strip:
    """One row of a strip plot.

    Attributes:
        name: Shown above the strip.
        note: Shown at its right end.
        style: Style class.
        mark: Shape of the dots.
        values: ``(what it is, value, undefined)``; undefined ones are hollow.
        mean: Marked by a bar.
        ci: Its interval, or None.
    """

    name: str
    note: str
    style: str
    mark: str
    values: Sequence[tuple[str, float, bool]]
    mean: float | None
    ci: Sequence[float] | None


def strip_chart(strips: Sequence[Strip], title: str, axis: str) -> Markup:
    """Draw one row an arm: its subjects as dots, mean and interval below them."""
    row, top = 44.0, 8.0
    height = top + row * len(strips) + 34
    canvas = Canvas(height, title, f"{axis}: one row an arm, one mark a subject.")
    shown = [value for strip in strips for _, value, _ in strip.values]
    shown += [bound for strip in strips for bound in strip.ci or ()]
    scale = Scale(*limits(shown), _LEFT, _RIGHT)
    bottom = 8 + row * len(strips)
    canvas.x_axis(scale, bottom, 8)
    canvas.text(WIDTH / 2, bottom + 30, axis, class_="axis", text_anchor="middle")
    for i, strip in enumerate(strips):
        y = 8 + row * i
        canvas.text(_LEFT, y + 12, strip.name, class_="label")
        canvas.text(_RIGHT, y + 12, strip.note, class_="value", text_anchor="end")
        for name, value, undefined in strip.values:
            style = f"{strip.style} dot{' hollow' if undefined else ''}"
            tip = f"{name}: {value:.4g}{' (undefined)' if undefined else ''}"
            canvas.mark(strip.mark, scale(value), y + 24, tip, 3.6, class_=style)
        if strip.ci is not None:
            low, high = scale(strip.ci[0]), scale(strip.ci[1])
            canvas.add("line", x1=low, x2=high, y1=y + 35, y2=y + 35, class_=f"{strip.style} ci")
        if strip.mean is not None:
            x = scale(strip.mean)
            tip = f"{strip.name}: mean {strip.note}"
            canvas.add(
                "line", tip, x1=x, x2=x, y1=y + 30.5, y2=y + 39.5, class_=f"{strip.style} mean"
            )
    return canvas.svg()


@dataclass(frozen=True)
class Line:
    """One series of a line chart.

    Attributes:
        name: In the legend; empty for none.
        style: Style class.
        points: ``(x, y)``.
        band: ``(low, high)`` at each point, None where there is none; empty without a band.
        mark: Shape at each point; empty for none.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float]]
    band: Sequence[Sequence[float] | None] = ()
    mark: str = ""


def line_chart(
    lines: Sequence[Line],
    title: str,
    x_label: str,
    y_label: str,
    *,
    height: float = 230.0,
    x_ticks: Sequence[float] | None = None,
    y_limits: tuple[float, float] | None = None,
) -> Markup:
    """Draw lines with marks and bands, the legend above."""
    named = [line for line in lines if line.name]
    columns = 2 if all(len(line.name) <= 22 for line in named) else 1
    top = 26 + 17.0 * -(-len(named) // columns)
    canvas = Canvas(height + top, title, f"{y_label} over {x_label}.")
    left, bottom = 46.0, height + top - 36
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    ys += [bound for line in lines for pair in line.band if pair for bound in pair]
    x_scale = Scale(*limits(xs, 0.04), left, _RIGHT)
    y_scale = Scale(*(y_limits or limits(ys)), bottom, top)
    canvas.y_axis(y_scale, left, _RIGHT)
    if x_ticks is None and all(x == int(x) for x in xs):  # steps and the like have no fractions
        x_ticks = [t for t in ticks(x_scale.low, x_scale.high) if t == int(t)]
    canvas.x_axis(x_scale, bottom, bottom, x_ticks)
    canvas.text((left + _RIGHT) / 2, bottom + 30, x_label, class_="axis", text_anchor="middle")
    canvas.text(left - 40, top - 8, y_label, class_="axis")
    for i, line in enumerate(named):
        x, y = left + 185 * (i % columns), 12.0 + 17 * (i // columns)
        canvas.add("line", x1=x, x2=x + 20, y1=y - 4.0, y2=y - 4.0, class_=f"{line.style} line")
        if line.mark:
            canvas.mark(line.mark, x + 10, y - 4.0, class_=f"{line.style} dot")
        canvas.text(x + 26, y, line.name, class_="label")
    for line in lines:
        places = [(x_scale(x), y_scale(y)) for x, y in line.points]
        banded = [(x, pair) for (x, _), pair in zip(places, line.band, strict=False) if pair]
        if len(banded) > 1:
            edge = [(x, y_scale(pair[0])) for x, pair in banded]
            edge += [(x, y_scale(pair[1])) for x, pair in reversed(banded)]
            canvas.polygon(edge, class_=f"{line.style} band")
        for x, pair in banded if line.mark else ():
            low, high = y_scale(pair[0]), y_scale(pair[1])
            canvas.add("line", x1=x, x2=x, y1=low, y2=high, class_=f"{line.style} whisker")
        canvas.polyline(places, class_=f"{line.style} line")
        for (x, y), point in zip(places, line.points if line.mark else (), strict=False):
            tip = f"{line.name}, {x_label} {tick_text(point[0])}: {point[1]:.4g}"
            canvas.mark(line.mark, x, y, tip, class_=f"{line.style} dot")
    return canvas.svg()


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        name: Shown above.
        note: Shown at the right end.
        parts: ``(what, style class, length)``.
    """

    name: str
    note: str
    parts: Sequence[tuple[str, str, float]]


def bar_chart(bars: Sequence[Bar], title: str, axis: str) -> Markup:
    """Draw stacked horizontal bars from 0."""
    row = 36.0
    bottom = 6 + row * len(bars)
    canvas = Canvas(bottom + 36, title, f"{axis}, one bar a row.")
    longest = max((sum(part[2] for part in bar.parts) for bar in bars), default=1.0)
    scale = Scale(0.0, longest or 1.0, _LEFT, _RIGHT)
    canvas.x_axis(scale, bottom, 6)
    canvas.text(WIDTH / 2, bottom + 30, axis, class_="axis", text_anchor="middle")
    for i, bar in enumerate(bars):
        y = 6 + row * i
        canvas.text(_LEFT, y + 12, bar.name, class_="label")
        canvas.text(_RIGHT, y + 12, bar.note, class_="value", text_anchor="end")
        at = 0.0
        for what, style, length in bar.parts:
            x, end = scale(at), scale(at + length)
            tip = f"{bar.name}, {what}: {length:.4g}"
            canvas.add(
                "rect",
                tip,
                x=x,
                y=y + 18,
                width=max(end - x, 0.3),
                height=10,
                class_=f"{style} bar",
            )
            at += length
    return canvas.svg()


@dataclass(frozen=True)
class Gauge:
    """A value between bounds.

    Attributes:
        name: Shown above.
        note: Shown at the right end.
        style: Style class.
        mark: Shape.
        value: The value.
        ci: Its interval, or None.
    """

    name: str
    note: str
    style: str
    mark: str
    value: float
    ci: Sequence[float] | None = None


def gauge_chart(
    gauges: Sequence[Gauge], title: str, axis: str, references: Sequence[tuple[str, float]]
) -> Markup:
    """Draw one row a value, with marks at values to compare with, which are named on top."""
    row = 36.0
    top = 36.0
    bottom = top + row * len(gauges)
    canvas = Canvas(bottom + 36, title, f"{axis}, one row a generator.")
    shown = [gauge.value for gauge in gauges]
    shown += [bound for gauge in gauges for bound in gauge.ci or ()]
    within = _near(shown, [value for _, value in references])
    scale = Scale(*limits([*shown, *within], 0.08), _LEFT, _RIGHT)
    canvas.x_axis(scale, bottom, top)
    canvas.text(WIDTH / 2, bottom + 30, axis, class_="axis", text_anchor="middle")
    for line, (name, value) in enumerate(references):
        if value not in within:
            x, words, anchor = (
                _RIGHT,
                f"{name} {tick_text(float(f'{value:.3g}'))}, off the scale \u2192",
                "end",
            )
            if value < scale.low:
                x, words, anchor = (
                    _LEFT,
                    f"\u2190 {name} {tick_text(float(f'{value:.3g}'))}, off the scale",
                    "start",
                )
            canvas.text(x, top - 8 - 13 * (line % 2), words, class_="tick", text_anchor=anchor)
            continue
        x = scale(value)
        for i in range(len(gauges)):  # beside the values only: no line strikes a name through
            y = top + row * i
            tip = f"{name}: {value:.4g}"
            canvas.add("line", tip, x1=x, x2=x, y1=y + 17, y2=y + 33, class_="reference")
        anchor = "start" if x < WIDTH * 0.3 else "end" if x > WIDTH * 0.7 else "middle"
        canvas.text(x, top - 8 - 13 * (line % 2), name, class_="tick", text_anchor=anchor)
    for i, gauge in enumerate(gauges):
        y = top + row * i
        canvas.text(_LEFT, y + 13, gauge.name, class_="label")
        canvas.text(_RIGHT, y + 13, gauge.note, class_="value", text_anchor="end")
        if gauge.ci is not None:
            low, high = scale(gauge.ci[0]), scale(gauge.ci[1])
            canvas.add("line", x1=low, x2=high, y1=y + 25, y2=y + 25, class_=f"{gauge.style} ci")
        tip = f"{gauge.name}: {gauge.note}"
        canvas.mark(gauge.mark, scale(gauge.value), y + 25, tip, class_=f"{gauge.style} dot")
    return canvas.svg()


def _near(shown: Sequence[float], references: Sequence[float]) -> list[float]:
    """Return the references that leave something to be seen of what is shown.

    The nearest one always; another one unless it would squeeze all else into a hundredth.
    """
    kept: list[float] = []
    for value in sorted(references, key=lambda value: max(abs(value - other) for other in shown)):
        span = max([*shown, *kept]) - min([*shown, *kept])
        far = max(max(shown) - value, value - min(shown), 0.0)
        if not kept or span == 0 or far <= 100 * span:
            kept.append(value)
    return kept
