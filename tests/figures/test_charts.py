"""Charts and pictures: what is drawn is what was given."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.figures.charts import (
    Bar,
    Gauge,
    Line,
    Strip,
    bar_chart,
    gauge_chart,
    line_chart,
    strip_chart,
)
from vbench.figures.figure import standalone
from vbench.figures.pixels import EXTRA, FOUND, MISSED, patch_sheet, png, projection_sheet, shrink
from vbench.figures.svg import WIDTH, Scale, limits, ticks
from vbench.figures.training import alike

HOSTILE = "</text><script>alert(1)</script>\"'&"


def parse(chart):
    return ElementTree.fromstring(str(chart))


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_within(low, span):
    found = ticks(low, low + span)
    assert len(found) <= 12
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in found)
    assert found == sorted(found)


def test_ticks_by_hand():
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.83, 0.92) == [0.84, 0.86, 0.88, 0.9, 0.92]
    assert ticks(3, 3) == [3]


def test_limits_leave_a_margin_and_never_vanish():
    assert limits([0, 10]) == (-0.5, 10.5)
    low, high = limits([2.0])
    assert low < 2 < high
    assert limits([]) == pytest.approx((-0.05, 1.05))
    low, high = limits([0.0])
    assert low < 0 < high


def test_a_strip_has_a_mark_a_subject_where_its_value_is():
    values = [("a", 0.2, False), ("b", 0.4, True)]
    strip = Strip("arm", "0.3", "c-real", "circle", values, 0.3, [0.25, 0.35])
    chart = parse(strip_chart([strip], "title", "DSC"))
    scale = Scale(*limits([0.2, 0.4, 0.25, 0.35]), 8, WIDTH - 8)
    marks = chart.findall("circle")
    assert [float(m.get("cx")) for m in marks] == pytest.approx([scale(0.2), scale(0.4)], abs=0.06)
    assert [m.find("title").text for m in marks] == ["a: 0.2", "b: 0.4 (undefined)"]
    assert ["hollow" in m.get("class") for m in marks] == [False, True]
    (mean,) = [line for line in chart.findall("line") if line.get("class") == "c-real mean"]
    assert float(mean.get("x1")) == pytest.approx(scale(0.3), abs=0.06)


def test_a_line_chart_turns_the_y_axis_up():
    chart = parse(line_chart([Line("a", "c-s1", [(1, 0.0), (2, 1.0)])], "t", "x", "y"))
    points = chart.find("polyline").get("points").split()
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in points)
    assert x1 < x2
    assert y1 > y2


def test_bars_are_stacked_from_zero():
    bar = Bar("arm", "", [("a", "c-s1", 1.0), ("b", "c-s2", 3.0)])
    first, second = parse(bar_chart([bar], "t", "s")).findall("rect")
    widths = float(first.get("width")), float(second.get("width"))
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)
    assert float(second.get("x")) == pytest.approx(8 + widths[0], abs=0.1)


@pytest.mark.parametrize("shape", ["circle", "square", "diamond", "up", "down", "cross"])
def test_every_mark_is_drawn(shape):
    chart = gauge_chart([Gauge("g", "n", "c-s1", shape, 1.0)], "t", "a", [("floor", 0.0)])
    assert "dot" in str(chart)
    parse(chart)


def test_hostile_text_stays_text():
    charts = [
        strip_chart(
            [Strip(HOSTILE, HOSTILE, "c-real", "up", [(HOSTILE, 1.0, False)], 1.0, None)],
            HOSTILE, HOSTILE,
        ),
        line_chart([Line(HOSTILE, "c-s1", [(1, 1)], mark="cross")], HOSTILE, HOSTILE, HOSTILE),
        bar_chart([Bar(HOSTILE, HOSTILE, [(HOSTILE, "c-s1", 1.0)])], HOSTILE, HOSTILE),
        gauge_chart([Gauge(HOSTILE, "", "c-s1", "up", 1.0)], HOSTILE, HOSTILE, [(HOSTILE, 1.0)]),
    ]  # fmt: skip
    for chart in charts:
        assert "<script" not in str(chart)
        assert HOSTILE in "".join(parse(chart).itertext())


def test_a_chart_alone_is_an_svg_file_with_its_colours():
    text = standalone(bar_chart([Bar("a", "", [("b", "c-s1", 1.0)])], "t", "s"))
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in text


def test_every_style_class_that_is_drawn_has_a_colour():
    from vbench.figures.figure import style
    from vbench.figures.looks import MARKS, SERIES

    coloured = set(re.findall(r"\.(c-[a-z0-9]+)", style()))
    assert coloured == {f"c-{name}" for name in (*MARKS, *SERIES)}


def test_errors_are_coloured_and_the_front_is_up():
    stack = np.zeros((3, 3, 2), np.uint8)
    stack[1, 0, 1] = stack[2, 0, 1] = 255  # found: left-most x, front-most y
    stack[1, 1, 0] = 255  # missed
    stack[2, 2, 0] = 255  # extra
    sheet = projection_sheet(stack)
    assert sheet.shape == (2, 4 * 3 + 3 * 2, 3)
    errors = sheet[:, -3:]
    assert tuple(errors[0, 2]) == FOUND
    assert tuple(errors[1, 1]) == MISSED
    assert tuple(errors[1, 0]) == EXTRA


def test_a_block_is_shown_at_its_slice_with_most_vessel():
    patches = np.full((1, 2, 4, 4, 3), -1.0)
    patches[0, 1] = 0
    patches[0, 0, :, :, 2], patches[0, 1, :, :, 2] = 1.0, 1.0
    sheet = patch_sheet(patches)
    assert sheet.shape == (3 * 4 + 2, 4, 3)
    assert sheet[0, 0].tolist() == [255, 255, 255]
    assert sheet[5, 0].tolist() == [255, 255, 255]


def test_two_dimensional_patches_are_shown_whole():
    assert patch_sheet(np.zeros((5, 2, 8, 6))).shape == (3 * 6 + 2, 5 * 8 + 4, 3)


def test_shrinking_keeps_thin_vessels():
    plane = np.zeros((401, 390), np.uint8)
    plane[200] = 255
    small = shrink(plane, 200)
    assert max(small.shape) <= 200
    assert small.max(axis=0).min() == 255


def test_png_is_read_back_as_it_was():
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(png(image))).convert("RGB")), image
    )


def test_a_reference_that_would_squeeze_all_else_is_named_at_the_edge():
    gauges = [Gauge("a", "4", "c-s1", "circle", 4.0), Gauge("b", "9", "c-s2", "square", 9.0)]
    chart = parse(gauge_chart(gauges, "fid", "fid", [("floor", 1.0), ("ceiling", 3830.0)]))
    words = [text.text for text in chart.findall("text")]
    assert "floor" in words
    assert "ceiling 3830, off the scale →" in words
    (mark,), scale = chart.findall("circle"), Scale(*limits([1.0, 9.0], 0.08), 8, WIDTH - 8)
    assert float(mark.get("cx")) == pytest.approx(scale(4.0), abs=0.06)
    references = [e for e in chart.findall("line") if e.get("class") == "reference"]
    assert len(references) == 2, "one beside each value, through no name"


def test_a_number_at_the_edge_is_not_cut():
    chart = parse(bar_chart([Bar("a", "", [("p", "c-s1", 4000.0)])], "t", "MB"))
    (last,) = [text for text in chart.findall("text") if text.text == "4000"]
    assert float(last.get("x")) + 3.2 * len("4000") <= WIDTH


def test_steps_have_no_fractions():
    chart = parse(line_chart([Line("a", "c-s1", [(1, 0.0), (3, 1.0)])], "t", "step", "y"))
    ticks_shown = {t.text for t in chart.findall("text") if t.get("text-anchor") == "middle"}
    assert ticks_shown == {"1", "2", "3", "step"}


def test_curves_of_one_kind_share_a_chart():
    names = ["wasserstein", "penalty", "gradient_norm", "critic_loss", "generator_loss"]
    assert alike(names) == {
        "wasserstein": ["wasserstein"],
        "penalty": ["penalty"],
        "gradient norm": ["gradient_norm"],
        "loss": ["critic_loss", "generator_loss"],
    }
    assert alike(["score_real", "score_fake"]) == {"score": ["score_real", "score_fake"]}
