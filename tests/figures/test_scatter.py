"""Named marks in a plane: where they are, what they look like, and where their names stand."""

from __future__ import annotations

import json
import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from vbench.colours import colour
from vbench.figures.figure import Figure
from vbench.figures.scatter import PLANE, Mark, scatter_chart


def mark(name, x, y, group="no alarm", x_ci=None, y_ci=None):
    return Mark(name, name, group, x, y, x_ci, y_ci, {"privacy": group, "by": "nn.ratio [x]"})


def chart(*marks, reference=None):
    return scatter_chart(marks, "t", "risk", "DSC", reference)


def drawn(made):
    """Return name, place and outline of each mark, from the SVG."""
    root = ElementTree.fromstring(Figure("t", made).file("svg"))
    marks = [e for e in root.iter() if "arm: " in (e.get("aria-label") or "") and e.get("d")]
    return {
        re.search(r"arm: ([^;]+)", e.get("aria-label"))[1]: (
            [float(n) for n in re.findall(r"-?[\d.]+", e.get("transform"))],
            (e.get("d"), e.get("fill")),
        )
        for e in marks
        if "translate" in (e.get("transform") or "")
    }


def test_marks_lie_where_their_values_are():
    found = drawn(chart(mark("a", 0.0, 0.5), mark("b", 0.25, 0.7), mark("c", 1.0, 0.6)))
    (a, up), (b, top), (c, middle) = (found[name][0] for name in "abc")
    assert (b - a, c - a) == pytest.approx((PLANE[0] / 4, PLANE[0]))
    assert middle == pytest.approx((up + top) / 2)
    assert top < up


def test_an_alarm_has_a_shape_of_its_own_and_not_only_a_colour():
    groups = ("alarm", "no alarm", "not judged", "not meaningful")
    found = drawn(chart(*(mark(group, i / 3, 0.5, group) for i, group in enumerate(groups))))
    looks = [found[group][1] for group in groups]
    assert len({outline for outline, _ in looks}) == len(groups)
    paints = ("synthetic", "real", "baseline", "baseline")
    assert [paint for _, paint in looks] == [colour(name) for name in paints]


def test_only_verdicts_that_occur_are_in_the_legend():
    made = chart(mark("a", 0.1, 0.5, "alarm"))
    assert '"domain": ["alarm"]' in json.dumps(made)


def test_the_tooltip_says_everything_whatever_it_is_called():
    made = chart(mark("a", 0.1, 0.5, x_ci=[0.0, 0.2], y_ci=[0.4, 0.6]))
    text = Figure("t", made).file("svg").decode()
    assert "by: nn.ratio [x]" in text
    row = made["datasets"]["marks"][0]
    assert [row[name] for name in ("left", "right", "down", "up")] == [0.0, 0.2, 0.4, 0.6]


CROWDS = {
    "one place": [(0.02, 0.8)] * 6,
    "a column at 0": [(0.0, 0.8 + 0.004 * i) for i in range(8)],
    "a column at 1": [(1.0, 0.8 + 0.004 * i) for i in range(8)],
    "a line": [(0.3 + 0.02 * i, 0.8) for i in range(8)],
    "the corners": [(0, 0), (0, 1), (1, 0), (1, 1)],
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_no_name_stands_on_another(crowd):
    marks = [mark(f"generator-{i}", x, y) for i, (x, y) in enumerate(CROWDS[crowd])]
    made = chart(*marks, reference=("real", max(y for _, y in CROWDS[crowd])))
    low, high = made["layer"][0]["encoding"]["y"]["scale"]["domain"]
    boxes = []
    for row in made["datasets"]["labels"]:
        x, y = row["x"] * PLANE[0], (high - row["y"]) / (high - low) * PLANE[1]
        length = 6 * len(row["label"])
        start = x if row["side"] == "left" else x - length
        boxes.append((start, y - 6, start + length, y + 6))
    assert len(boxes) == len(marks)
    for a, b in combinations(boxes, 2):
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
    assert all(box[0] >= 0 and box[2] <= PLANE[0] for box in boxes)


def test_more_names_than_there_is_room_for_are_still_drawn():
    assert len(chart(*[mark("generator", 0.5, 0.5)] * 40)["datasets"]["labels"]) == 40


@pytest.mark.parametrize("y", [0.0, 0.8, -3.0, 1e6])
def test_a_single_mark_has_an_axis(y):
    made = chart(mark("a", 0.5, y))
    low, high = made["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low < y < high
    Figure("t", made).altair().to_dict()  # Altair checks it against the schema of Vega-Lite
