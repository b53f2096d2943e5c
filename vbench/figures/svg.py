"""Draws vector charts as inline SVG: text stays text, colours come from the page's style sheet.

A small module of our own rather than matplotlib's SVG: a tenth of the size, follows dark mode,
has a title and a description for screen readers and a tip on every mark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

#: Width of a chart in its own units: as wide as a phone, so that text stays readable there.
WIDTH = 420.0


@dataclass(frozen=True)
class Scale:
    """A linear map from values to places.

    Attributes:
        low, high: Values.
        start, end: Their places.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; outside ones stay outside."""
        span = self.high - self.low
        part = (value - self.low) / span if span else 0.5
        return self.start + part * (self.end - self.start)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values within ``[low, high]``, about as many as wanted."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + i) * step, 12) for i in range(count)]


def limits(values: Sequence[float], margin: float = 0.05) -> tuple[float, float]:
    """Return bounds around values, a little wider than they are."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    pad = (high - low) * margin or abs(high) * margin or 0.5
    return low - pad, high + pad


def tick_text(value: float) -> str:
    """Write a tick: no trailing zeros, no minus zero."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value + 0.0:.6g}"


@dataclass
class Canvas:
    """Collects the elements of one chart; everything textual is escaped.

    Attributes:
        height: In units of which the width has :data:`WIDTH`.
        title: Read by screen readers first.
        description: What the chart shows, in a sentence.
    """

    height: float
    title: str
    description: str = ""
    width: float = WIDTH
    parts: list[str] = field(default_factory=list)

    def add(self, tag: str, tip: str = "", /, **attributes: object) -> None:
        """Add an element, with a tip that shows when it is pointed at.

        A trailing underscore of an attribute is dropped, others become hyphens.
        """
        inner = f"<title>{escape(tip)}</title>" if tip else ""
        self.parts.append(f"<{tag}{_attributes(attributes)}>{inner}</{tag}>")

    def text(self, x: float, y: float, words: str, **attributes: object) -> None:
        """Add text at its baseline."""
        self.parts.append(
            f"<text{_attributes({'x': x, 'y': y, **attributes})}>{escape(words)}</text>"
        )

    def svg(self) -> Markup:
        """Return the chart."""
        head = (
            f'<svg class="chart" viewBox="0 0 {_number(self.width)} {_number(self.height)}" '
            f'role="img"><title>{escape(self.title)}</title>'
        )
        if self.description:
            head += f"<desc>{escape(self.description)}</desc>"
        return Markup(head + "".join(self.parts) + "</svg>")

    def x_axis(self, scale: Scale, y: float, top: float, at: Sequence[float] | None = None) -> None:
        """Add grid lines from ``top`` down to ``y``, and numbers below."""
        for value in ticks(scale.low, scale.high) if at is None else at:
            x = scale(value)
            self.add("line", x1=x, x2=x, y1=top, y2=y, class_="grid")
            words = tick_text(value)
            # About 6 units a digit: a number at the edge must not be cut.
            x = min(x, self.width - 3.2 * len(words))
            self.text(x, y + 14, words, class_="tick", text_anchor="middle")

    def y_axis(self, scale: Scale, left: float, right: float) -> None:
        """Add grid lines from ``left`` to ``right``, and numbers on the left."""
        for value in ticks(scale.low, scale.high, 4):
            y = scale(value)
            self.add("line", x1=left, x2=right, y1=y, y2=y, class_="grid")
            self.text(left - 5, y + 4, tick_text(value), class_="tick", text_anchor="end")

    def polyline(self, points: Sequence[tuple[float, float]], **attributes: object) -> None:
        """Add a line through points."""
        text = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self.parts.append(f'<polyline points="{text}"{_attributes(attributes)}/>')

    def polygon(self, points: Sequence[tuple[float, float]], **attributes: object) -> None:
        """Add a filled shape."""
        text = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self.parts.append(f'<polygon points="{text}"{_attributes(attributes)}/>')

    def mark(
        self, shape: str, x: float, y: float, tip: str = "", size: float = 4.0, **more: object
    ) -> None:
        """Add a mark: ``circle``, ``square``, ``diamond``, ``up``, ``down`` or ``cross``."""
        s = size
        outline = {
            "square": [(-s, -s), (s, -s), (s, s), (-s, s)],
            "diamond": [(0, -1.35 * s), (1.35 * s, 0), (0, 1.35 * s), (-1.35 * s, 0)],
            "up": [(0, -1.2 * s), (1.15 * s, s), (-1.15 * s, s)],
            "down": [(0, 1.2 * s), (1.15 * s, -s), (-1.15 * s, -s)],
            "cross": [
                (a * s, b * s)
                for a, b in (
                    (-1.2, -0.4), (-0.4, -0.4), (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4),
                    (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4),
                )
            ],
        }.get(shape)  # fmt: skip
        if outline is None:
            self.add("circle", tip, cx=x, cy=y, r=s, **more)
        else:
            points = " ".join(f"{_number(x + dx)},{_number(y + dy)}" for dx, dy in outline)
            self.add("polygon", tip, points=points, **more)


def key(name: str, shape: str, style: str) -> Markup:
    """Draw a mark alone, for the legend of several charts."""
    canvas = Canvas(12.0, f"{name}: {shape}", width=12.0)
    canvas.mark(shape, 6.0, 6.0, class_=f"{style} dot")
    return canvas.svg()


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )


def _value(value: object) -> str:
    if isinstance(value, float):
        return _number(value)
    return str(escape(str(value)))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
