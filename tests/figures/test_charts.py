"""Charts and pictures: what is drawn is what was given."""

from __future__ import annotations

import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from vbench.colours import FALSE, FOUND, MISSED, PALETTE, colour, series_colour, series_mark
from vbench.figures.charts import Bar, Line, Strip, bar_chart, line_chart, strip_chart
from vbench.figures.figure import Figure
from vbench.figures.pixels import SHEET, patch_sheet, png, projection_sheet, shrink
from vbench.figures.training import alike
from vbench.picture import BAND
from vbench.regimes import REGIMES

HOSTILE = "</text></script><script>alert(1)</script>\"'&"


def strip(name="arm", group="real", values=(("a", 0.2, False), ("b", 0.4, True)), **more):
    options = {"mean": 0.3, "ci": [0.25, 0.35]} | more
    mark = options.pop("mark", "circle")
    return Strip(name, "0.3", group, colour(group), mark, values, **options)


def every_kind(word="arm"):
    """Return a chart of each kind, of which all text is this word."""
    line = Line(word, series_colour(0), [(1, 0.0), (2, 1.0)], [(0.0, 0.5), None], "cross")
    part = [(word, series_colour(0), 1.0), ("other", series_colour(1), 2.0)]
    return [
        strip_chart([strip(word, values=[(word, 0.2, False)])], word, word, word),
        strip_chart([strip(word)], word, word, word, [("floor", 0.1), (word, 0.5)]),
        strip_chart([strip(word), strip("b", "mixed")], word, word, word),
        line_chart([line], word, word, word, x_ticks=[1, 2]),
        bar_chart([Bar(word, word, part)], word, word),
    ]


def drawn(chart, kind):
    """Return the marks of a kind that Vega draws, as ``(x, y)``, from its SVG."""
    root = ElementTree.fromstring(Figure("t", chart).file("svg"))
    marks = [e for e in root.iter() if f"mark-{kind}" in (e.get("class") or "")]
    return [shape for mark in marks for shape in mark if shape.get("aria-label") is not None]


def place(shape):
    return [
        float(n) for n in re.search(r"translate\((.*?),(.*?)\)", shape.get("transform")).groups()
    ]


def test_a_strip_has_a_mark_a_subject_its_mean_and_its_interval():
    chart = strip_chart([strip(), strip("other", "mixed", mean=None, ci=None)], "t", "DSC", "w")
    assert chart["datasets"]["dots"][:2] == [
        {"name": "arm", "subject": "a", "value": 0.2, "undefined": False, "group": "real"},
        {"name": "arm", "subject": "b", "value": 0.4, "undefined": True, "group": "real"},
    ]
    first, second = chart["datasets"]["rows"]
    assert (first["mean"], first["low"], first["high"]) == (0.3, 0.25, 0.35)
    assert (second["mean"], second["low"], second["high"]) == (None, None, None)


def test_marks_lie_where_their_values_are():
    values = [("a", 0.2, False), ("b", 0.3, False), ("c", 0.5, False)]
    marks = drawn(strip_chart([strip(values=values, ci=None)], "t", "DSC", "w"), "symbol")
    found = {re.search(r"subject: (\w)", mark.get("aria-label"))[1]: place(mark) for mark in marks}
    (a, y), (b, _), (c, below) = found["a"], found["b"], found["c"]
    assert c - b == pytest.approx(2 * (b - a), rel=0.01)
    assert y == below


def test_an_undefined_value_is_hollow():
    root = ElementTree.fromstring(Figure("t", strip_chart([strip()], "t", "D", "w")).file("svg"))
    marks = {re.search(r"subject: (\w)", e.get("aria-label"))[1]: e for e in root.iter()
             if "subject: " in (e.get("aria-label") or "")}  # fmt: skip
    assert marks["a"].get("fill") == colour("real")
    assert marks["b"].get("fill") in (None, "none", "transparent")
    assert marks["b"].get("stroke") == colour("real")


def test_rows_are_in_the_order_given():
    strips = [strip("z"), strip("a"), strip("m")]
    texts = ElementTree.fromstring(
        Figure("t", strip_chart(strips, "t", "DSC", "w")).file("svg")
    ).iter("{http://www.w3.org/2000/svg}text")
    assert [e.text for e in texts if e.text in {"z", "a", "m"}] == ["z", "a", "m"]


def test_a_line_chart_turns_the_y_axis_up():
    line = Line("a", series_colour(0), [(1, 0.0), (2, 1.0)], mark="circle")
    (x1, y1), (x2, y2) = map(place, drawn(line_chart([line], "t", "x", "y"), "symbol"))
    assert x1 < x2
    assert y1 > y2


def test_lines_of_one_name_are_one_series():
    lines = [Line("loss", series_colour(0), [(1, float(seed)), (2, 0.0)]) for seed in range(3)]
    chart = line_chart([*lines, Line("other", series_colour(1), [(1, 1.0)])], "t", "step", "y")
    points = chart["datasets"]["points"]
    assert {point["part"] for point in points if point["series"] == "loss"} == {0, 1, 2}
    assert '"domain": ["loss", "other"]' in json.dumps(chart)


def test_bars_are_stacked_from_zero():
    bar = Bar("arm", "", [("a", series_colour(0), 1.0), ("b", series_colour(1), 3.0)])
    shapes = [mark.get("d") for mark in drawn(bar_chart([bar], "t", "s"), "rect")]
    (start, width), (then, wide) = (
        [float(n) for n in re.match(r"M([\d.]+),[\d.]+h([\d.]+)", d).groups()] for d in shapes
    )
    assert start == 0
    assert then == pytest.approx(width, abs=0.01)
    assert wide == pytest.approx(3 * width, rel=0.01)


@pytest.mark.parametrize("kind", range(5))
def test_every_chart_is_valid_and_becomes_every_kind_of_file(kind, tmp_path):
    figure = Figure("A title", every_kind()[kind])
    figure.altair().to_dict()  # Altair checks it against the schema of Vega-Lite
    files = {path.suffix: path.read_bytes() for path in figure.write(tmp_path, "chart")}
    assert list(files) == [".svg", ".png", ".pdf"]
    root = ElementTree.fromstring(files[".svg"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}title").text == "A title"
    assert root.find("{http://www.w3.org/2000/svg}desc").text == figure.chart["description"]
    assert files[".png"].startswith(b"\x89PNG")
    assert files[".pdf"].startswith(b"%PDF")


def test_a_picture_is_no_chart():
    figure = Figure("samples", picture=png(np.zeros((4, 4), np.uint8)))
    with pytest.raises(ValueError, match="samples: cannot be pdf, only png"):
        figure.file("pdf")
    with pytest.raises(ValueError, match="samples: a picture, not a chart"):
        figure.altair()


@pytest.mark.parametrize("regime", REGIMES.values(), ids=lambda regime: regime.name)
def test_the_colour_of_a_regime_is_one_of_the_palette(regime):
    assert regime.colour in PALETTE


@pytest.mark.parametrize(
    "shape", sorted({r.mark for r in REGIMES.values()} | {series_mark(i) for i in range(6)})
)
def test_every_mark_is_drawn(shape):
    chart = strip_chart([strip(mark=shape), strip("b", "mixed")], "t", "DSC", "w")
    assert len(drawn(chart, "symbol")) >= 4
    outlines = {e.get("d") for e in drawn(chart, "symbol")}
    assert len(outlines) == (1 if shape == "circle" else 2)


def test_hostile_text_stays_text():
    for chart in every_kind(HOSTILE):
        figure = Figure(HOSTILE, chart)
        body = str(figure.body)
        assert body.count("<script") == body.count("</script") == 1
        held = json.loads(re.search(r"<script[^>]*>(.*)</script>", body)[1])
        assert held["datasets"] == chart["datasets"]
        file = figure.file("svg").decode()
        assert "<script" not in file
        assert HOSTILE[:12] in "".join(ElementTree.fromstring(file).itertext())
        assert "<script" not in figure._repr_html_()


def test_a_page_takes_its_colours_from_its_style_sheet():
    chart = every_kind()[2]
    text = str(Figure("t", chart).body)
    assert '"var(--real)"' in text
    assert '"var(--soft)"' in text
    assert not [light for light, _ in PALETTE.values() if f'"{light}"' in text]


def test_the_legend_filters_in_every_chart_of_several_series():
    for chart in every_kind()[2:]:
        (param,) = chart["params"]
        assert param["bind"] == "legend"
        assert '"param": "shown"' in json.dumps(chart["layer"])


def test_a_reference_that_would_squeeze_all_else_is_named_without_a_mark():
    strips = [strip("a", values=[("", 4.0, False)], mean=None, ci=None),
              strip("b", values=[("", 9.0, False)], mean=None, ci=None)]  # fmt: skip
    chart = strip_chart(strips, "fid", "fid", "w", [("floor", 1.0), ("ceiling", 3830.0)])
    notes = {row["name"]: row["note"] for row in chart["datasets"]["rows"]}
    assert notes["floor"] == "1"
    assert notes["ceiling"] == "3830, off the scale"
    ticks = chart["datasets"]["references"]
    assert [(t["name"], t["reference"], t["value"]) for t in ticks] == [
        (name, "floor", 1.0) for name in ("floor", "a", "b")
    ]


def test_steps_have_no_fractions():
    line = Line("a", series_colour(0), [(1, 0.0), (3, 1.0)])
    svg = Figure("t", line_chart([line], "t", "step", "y")).file("svg").decode()
    texts = [e.text for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:3] == ["1", "2", "3"]


def test_errors_are_coloured_and_the_front_is_up():
    stack = np.zeros((3, 3, 2), np.uint8)
    stack[1, 0, 1] = stack[2, 0, 1] = 255  # found: left-most x, front-most y
    stack[1, 1, 0] = 255  # missed
    stack[2, 2, 0] = 255  # extra
    sheet = projection_sheet(stack)
    times = SHEET // 4 // 3 + 1  # each pixel is enlarged so often
    assert sheet.shape == (BAND + 2 * times, 4 * 3 * times + 3 * 2, 3)
    errors = sheet[BAND::times, -3 * times :: times]
    assert tuple(errors[0, 2]) == FOUND
    assert tuple(errors[1, 1]) == MISSED
    assert tuple(errors[1, 0]) == FALSE


def test_letters_stand_above_each_projection():
    stack = np.zeros((3, 40, 30), np.uint8)
    plain, lettered = projection_sheet(stack), projection_sheet(stack, ("R", "L"))
    assert plain.shape == lettered.shape
    assert not plain[:, :100].any()
    each = (lettered.shape[1] - 6) // 4
    for panel in range(4):
        band = lettered[:BAND, panel * (each + 2) : panel * (each + 2) + each]
        left, right = band[:, : each // 2], band[:, each // 2 :]
        assert left.any()
        assert right.any()
        assert not np.array_equal(left[:, :8], right[:, -8:])


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


def test_curves_of_one_kind_share_a_chart():
    names = ["wasserstein", "penalty", "gradient_norm", "critic_loss", "generator_loss"]
    assert alike(names) == {
        "wasserstein": ["wasserstein"],
        "penalty": ["penalty"],
        "gradient norm": ["gradient_norm"],
        "loss": ["critic_loss", "generator_loss"],
    }
    assert alike(["score_real", "score_fake"]) == {"score": ["score_real", "score_fake"]}
