"""The fourth kind of chart: named marks in a plane, by group a shape and a colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from vbench.colours import colour
from vbench.figures.vegalite import WIDTH, chart_of, filled, styled, top_legend

#: Of the plane, in pixels; the axis of y takes the rest of the width.
PLANE = (WIDTH - 44, 230)
#: Pixels of a letter, of a line of text, and from a mark to its name.
_LETTER, _LINE, _GAP = 6.3, 13, 8
#: How far below its mark a name may stand, in pixels: not on a level, where the interval is.
_LEVELS = [sign * at for at in range(9, PLANE[1], _LINE) for sign in (-1, 1)]
#: Shape and colour by group: told apart without colours too.
_LOOKS = {
    "alarm": ("triangle-up", "synthetic"),
    "no alarm": ("circle", "real"),
    "not judged": ("square", "baseline"),
    "not meaningful": ("cross", "baseline"),
}

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """One mark.

    Attributes:
        name: In the tooltip.
        label: Beside it.
        group: ``alarm``, ``no alarm``, ``not judged`` or ``not meaningful``.
        x: From 0 to 1.
        y: Finite.
        x_ci, y_ci: Intervals, or None.
        says: What the tooltip says, by what it is; the same names for all marks.
    """

    name: str
    label: str
    group: str
    x: float
    y: float
    x_ci: Sequence[float] | None
    y_ci: Sequence[float] | None
    says: Mapping[str, str]


def scatter_chart(
    marks: Sequence[Mark],
    title: str,
    x_label: str,
    y_label: str,
    reference: tuple[str, float] | None = None,
) -> dict[str, Any]:
    """Return marks with their intervals and names.

    Args:
        marks: At least one.
        title: Of the chart.
        x_label: What x, from 0 to 1, is.
        y_label: What y is.
        reference: Name and y of a dashed line.
    """
    low, high = _range([v for m in marks for v in (m.y, *(m.y_ci or ()))], reference)
    shown: list[dict[str, Any]] = []
    for mark in marks:
        (left, right), (down, up) = mark.x_ci or (None, None), mark.y_ci or (None, None)
        row = {"name": mark.name, "group": mark.group, "x": mark.x, "y": mark.y}
        row |= {f"says_{i}": text for i, text in enumerate(mark.says.values())}
        shown.append({**row, "left": left, "right": right, "down": down, "up": up})
    lines = [] if reference is None else [{"name": reference[0], "y": reference[1]}]
    groups = [group for group in _LOOKS if any(mark.group == group for mark in marks)]
    return filled(
        _template(tuple(marks[0].says)),
        title,
        f"One mark per arm: {y_label} over {x_label}.",
        {"marks": shown, "labels": _labels(marks, low, high, reference), "references": lines},
        {
            "$x": x_label,
            "$y": y_label,
            "$low": low,
            "$high": high,
            "$groups": groups,
            "$marks": [_LOOKS[group][0] for group in groups],
            "$colours": [colour(_LOOKS[group][1]) for group in groups],
        },
    )


def _range(values: list[float], reference: tuple[str, float] | None) -> tuple[float, float]:
    """Return the ends of the axis of y: all that is shown, with some room."""
    values = [*values, reference[1]] if reference else values
    room = 0.08 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 0.05
    return min(values) - room, max(values) + room


def _labels(
    marks: Sequence[Mark], low: float, high: float, reference: tuple[str, float] | None
) -> list[dict[str, Any]]:
    """Place each name beside its mark, where it covers no mark and no other name.

    A name that has to go further away gets a line to its mark.
    """
    width, height = PLANE

    def level(y: float) -> float:
        return (high - y) / (high - low) * height

    at = {i: (mark.x * width, level(mark.y)) for i, mark in enumerate(marks)}
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in at.values()]
    if reference is not None:  # its name, at the right end above the line
        end = level(reference[1])
        taken.append((width - _LETTER * len(reference[0]), end - _LINE, width, end))
    rows = []
    for i in sorted(at, key=lambda i: at[i][1]):
        (x, y), length = at[i], _LETTER * len(marks[i].label)
        places = [
            (side, y + below)
            for below in _LEVELS
            for side in ("left", "right")  # the side of the text that is at the mark
        ]
        boxes = {place: _box(x, place, length) for place in places}
        free = [p for p in places if _inside(boxes[p]) and not _covers(boxes[p], taken)]
        side, row = place = (free or places)[0]
        taken.append(boxes[place])
        edge = x + (_GAP if side == "left" else -_GAP)
        rows.append(
            {"label": marks[i].label, "side": side, "x": edge / width,
             "y": high - row / height * (high - low), "to_x": marks[i].x, "to_y": marks[i].y,
             "away": abs(row - y) > _LINE}
        )  # fmt: skip
    return rows


def _box(x: float, place: tuple[str, float], length: float) -> Box:
    side, y = place
    start = x + _GAP if side == "left" else x - _GAP - length
    return start, y - _LINE / 2, start + length, y + _LINE / 2


def _inside(box: Box) -> bool:
    return box[0] >= 0 and box[2] <= PLANE[0] and box[1] >= 0 and box[3] <= PLANE[1]


def _covers(box: Box, taken: Sequence[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in taken
    )


@cache
def _template(says: tuple[str, ...]) -> dict[str, Any]:
    import altair as alt

    shown = alt.selection_point(name="shown", fields=["group"], bind="legend")
    fade = alt.when(shown).then(alt.value(1)).otherwise(alt.value(0.08))
    guide = top_legend(alt)
    x: Any = {"scale": alt.Scale(domain=[0, 1], nice=False), "axis": alt.Axis(title="$x")}
    y: Any = {
        "scale": alt.Scale(domain=["$low", "$high"], nice=False, zero=False),
        "axis": alt.Axis(title="$y", titleAnchor="end", tickCount=5),
    }
    marks = chart_of("marks").encode(
        x=alt.X("x:Q", **x),
        y=alt.Y("y:Q", **y),
        color=alt.Color(
            "group:N", scale=alt.Scale(domain=["$groups"], range=["$colours"]), legend=guide
        ),
        opacity=fade,
        tooltip=[
            alt.Tooltip("name:N", title="arm"),
            *(alt.Tooltip(f"says_{i}:N", title=name) for i, name in enumerate(says)),
        ],
    )
    shape = alt.Shape(
        "group:N", scale=alt.Scale(domain=["$groups"], range=["$marks"]), legend=guide
    )
    lines = chart_of("references").encode(y=alt.Y("y:Q", **y))
    labels = chart_of("labels").encode(x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y))
    width, height = PLANE
    return styled(
        alt.layer(
            lines.mark_rule(strokeDash=[4, 3], color=colour("soft")),
            lines.mark_text(align="right", dy=-6, fontSize=11).encode(
                x=alt.value("width"), text="name:N"
            ),
            labels.transform_filter("datum.away")
            .mark_rule(strokeWidth=0.75, color=colour("soft"))
            .encode(x2="to_x:Q", y2="to_y:Q"),
            marks.transform_filter("isValid(datum.left)")
            .mark_rule(strokeWidth=1)
            .encode(x=alt.X("left:Q", **x), x2="right:Q"),
            marks.transform_filter("isValid(datum.down)")
            .mark_rule(strokeWidth=1)
            .encode(y=alt.Y("down:Q", **y), y2="up:Q"),
            marks.mark_point(filled=True, size=90).encode(shape=shape).add_params(shown),
            *(
                labels.transform_filter(f"datum.side == '{side}'")
                .mark_text(align=side, baseline="middle", fontSize=11)
                .encode(text="label:N")
                for side in ("left", "right")
            ),
        ).properties(width=width, height=height)
    )
