"""What all charts share: their width and style, and templates that are filled with data.

A chart is described once, with Altair; a chart of a benchmark is this description with rows of
data and a few words put in the place of ``$names``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vbench.colours import colour

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]

#: Width of a plot: with its margin as wide as a phone, so that text stays readable there.
WIDTH = 404


def chart_of(data: str) -> alt.Chart:
    """Return an empty chart of the rows of this name."""
    import altair as alt

    return alt.Chart(alt.Data(name=data))  # type: ignore[no-untyped-call]


def top_legend(alt: Any, **more: Any) -> alt.Legend:
    """Return a legend above the plot."""
    return alt.Legend(
        orient="top", title=None, labelLimit=WIDTH - 20, symbolOpacity=1, **{"columns": 3} | more
    )


def fitted(alt: Any) -> alt.AutoSizeParams:
    """Return that axes and legend count in a chart's size."""
    return alt.AutoSizeParams(type="fit", contains="padding")


def styled(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega-Lite, in the style that all share."""
    soft, ink = colour("soft"), colour("ink")
    made = (
        chart.configure(padding=8, background="transparent", font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=soft, titleColor=soft, titleFontWeight="normal", gridColor=colour("line"),
            domain=False, ticks=False, labelFontSize=11, titleFontSize=11, labelPadding=4,
        )
        .configure_legend(labelColor=ink, labelFontSize=12)
        .configure_text(color=ink)
    )  # fmt: skip
    return dict(made.to_dict(validate=False))


def filled(
    template: Row, title: str, description: str, data: Mapping[str, list[Any]], words: Row
) -> dict[str, Any]:
    """Return a chart: a template with words and data put in."""
    chart: dict[str, Any] = _put(template, words)
    plain = {name: [_plain(row) for row in rows] for name, rows in data.items()}
    return {**chart, "description": f"{title}. {description}", "datasets": plain}


def _plain(row: Row) -> dict[str, Any]:
    """Return a row for JSON, which has no NaN: values that are not finite become None."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _put(value: Any, words: Row) -> Any:
    """Copy a template with its placeholders filled in; those that are None are left out."""
    if isinstance(value, Mapping):
        made = {name: _put(inner, words) for name, inner in value.items()}
        return {n: v for n, v in made.items() if v is not None or value[n] is None}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str) and value[0] in words:
            return words[value[0]]
        return [_put(inner, words) for inner in value]
    return words.get(value, value) if isinstance(value, str) else value
