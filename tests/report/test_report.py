"""The report as a file: complete, self-contained, escaped, the same each time."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.report import write_report

HOSTILE = "\"><img src=x onerror=alert(1)>'</script><script>alert(2)</script>&{{ 7*7 }}"
REFERENCE = {
    "citation": "Doe et al., 2021", "url": "https://doi.org/10.1/x", "note": "One seed.",
    "values": {
        "real": {"dsc": 0.89, "hd95": 26.57},
        "synthetic/wgan-gp-sn": {"dsc": 0.85},
        "transfer/wgan-gp-sn/n1": {"dsc": 0.91},
        "scratch/n1": {"dsc": 0.84},
        "synthetic/of-the-paper-only": {"dsc": 0.5},
    },
}  # fmt: skip
VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Balance(HTMLParser):
    """Checks that every element is closed where it should be, and collects elements."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.faults = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append((tag, self.getpos()))


def read(path):
    parser = Balance()
    text = path.read_text("utf-8")
    parser.feed(text)
    return text, parser


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = fabricate(tmp_path_factory.mktemp("out"), artifacts=True, trials=4)
    made.plan["spec"]["reference"] = REFERENCE
    about = {"title": f"Set {HOSTILE}", "licence": "CC0", "citation": "Roe 2020", "labels": ""}
    made.plan["spec"].setdefault("data", {}).setdefault("source", {})["about"] = about
    made.rewrite()
    return made


@pytest.fixture(scope="module")
def report(made):
    return write_report(made.folder)


def test_every_section_is_there(report):
    _, page = read(report)
    sections = {attributes.get("id") for tag, attributes in page.seen if tag == "section"}
    assert sections == {
        "summary", "leaderboard", "reference", "subjects", "transfer", "samples", "projections",
        "audits", "training", "tuning", "cost", "provenance",
    }  # fmt: skip


def test_the_page_is_well_formed(report):
    _, page = read(report)
    assert page.faults == []
    assert page.open == []


def test_every_arm_every_test_subject_and_every_failure_is_named(report, made):
    text, _ = read(report)
    for row in build_leaderboard(made.folder)["rows"]:
        assert f">{row['arm']}<" in text.replace("/<wbr>", "/")
    for part in made.plan["data"].values():
        assert all(subject in text for subject in part["subjects"]["test"])
    assert "fit-generator: diverged: loss is NaN at step 40" in text


def test_nothing_is_loaded_from_elsewhere(report):
    text, page = read(report)
    for tag, attributes in page.seen:
        for name in ("src", "href", "action", "data"):
            value = attributes.get(name) or ""
            if (tag, value) == ("a", REFERENCE["url"]):
                continue  # a link that a reader may follow
            assert value.startswith(("data:", "#", "viewer.html")) or not value, (tag, value)
    assert not re.search(r"@import|url\(", re.sub(r"<script>.*?</script>", "", text, flags=re.S))


def test_the_report_is_small_and_has_what_draws_charts_once(report):
    assert report.stat().st_size < 2_000_000
    assert report.read_text("utf-8").count("window.vegaEmbed=") == 1


def test_the_same_folder_gives_the_same_bytes(report, made):
    viewer = report.with_name("viewer.html")
    before = report.read_bytes(), viewer.read_bytes()
    write_report(made.folder)
    assert (report.read_bytes(), viewer.read_bytes()) == before


def test_pictures_have_words_and_charts_have_titles(report):
    text, page = read(report)
    images = [attributes for tag, attributes in page.seen if tag == "img"]
    assert len(images) == 4 + 3 * 3 + 5 * 3
    assert all(attributes["alt"] for attributes in images)
    held = re.findall(r'<div class="chart"><script type="application/json">(.*?)</script>', text)
    assert len(held) > 30
    assert all(json.loads(chart)["description"] for chart in held)


def test_what_is_known_of_the_data_is_said(report):
    text, _ = read(report)
    assert re.search(r"<dt>source data set</dt><dd>Set .*; licence: CC0; cite: Roe 2020</dd>", text)


def test_published_figures_stand_beside_ours(report, made):
    text, _ = read(report)
    section = text[text.index('id="reference"') : text.index('id="subjects"')].replace("<wbr>", "")
    for number in ("0.89", "26.57", "0.85", "0.91", "0.84"):
        assert f"<td>{number}</td>" in section
    row = next(r for r in build_leaderboard(made.folder)["rows"] if r["arm"] == "scratch/n1")
    assert f"<td>0.84</td><td>{row['metrics']['dsc']['mean']:.3f} [" in section
    assert ">synthetic/wgan-gp-sn / real</th><td>0.955</td>" in section
    assert ">transfer/wgan-gp-sn/n1 less scratch/n1</th><td>+0.07</td>" in section
    assert ">synthetic/of-the-paper-only</th><td>0.5</td><td></td>" in section
    assert 'One seed. Published: <a href="https://doi.org/10.1/x">Doe et al., 2021</a>.' in section


def test_published_figures_are_of_the_benchmark_that_names_them(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9, "synthetic/wgan-gp-sn": 0.8}, failed=None)
    text, _ = read(write_report(made.folder))
    assert 'id="reference"' not in text
    assert "26.57" not in text


def test_the_summary_says_what_the_leaderboard_says(report, made):
    text, _ = read(report)
    rows = {row["arm"]: row for row in build_leaderboard(made.folder)["rows"]}
    summary = text[text.index('id="summary"') : text.index('id="leaderboard"')]
    ratio = rows["synthetic/wgan-gp-sn"]["versus"]["real"]["dsc"]["ratio"]
    assert f"DSC {rows['real']['metrics']['dsc']['mean']:.3f}" in summary
    assert f"{ratio:.3f}" in summary
    assert "1 of 16 arms failed: synthetic/broken." in summary
    assert "1 score was undefined" in summary


def test_hostile_names_stay_text(tmp_path):
    made = fabricate(tmp_path, artifacts=True, seeds=(0,))
    made.plan["spec"]["benchmark"]["description"] = HOSTILE
    made.plan["provenance"]["machine"] = HOSTILE
    subject = made.plan["data"]["source"]["subjects"]["test"][0]
    made.plan["data"]["source"]["subjects"]["test"][0] = HOSTILE
    made.arm("real")["arm"] = HOSTILE
    for record in made.records:
        if record["failure"]:
            record["failure"] |= {"message": HOSTILE, "traceback": HOSTILE}
        for case in (record["result"] or {}).get("cases", []):
            case["subject"] = HOSTILE if case["subject"] == subject else case["subject"]
        for point in (record["result"] or {}).get("curve", []):
            point[HOSTILE] = 1.0
    made.rewrite()
    page = write_report(made.folder)
    for path in (page, page.with_name("viewer.html")):
        text, parsed = read(path)
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert not [1 for _, attributes in parsed.seen if "onerror" in attributes]
        if path == page:
            assert parsed.faults == []
            assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 5
            assert "{{ 7*7 }}" in text
            held = "".join(re.findall(r'"application/json">(.*?)</script>', text))
            assert "\\u003cimg src=x onerror=alert(1)\\u003e" in held
            assert "<" not in held


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": (0,), "n_test": 1},
        {"truth": {"real": 0.9}, "failed": None},
        {"truth": {"synthetic/dcgan": 0.8}, "failed": "synthetic/dcgan"},
        {"finished": False, "audit": False, "trials": 1},
        {"size": (16, 16), "artifacts": True, "seeds": (0,)},
    ],
    ids=["one subject", "one arm", "nothing finished", "unfinished", "two dimensions"],
)
def test_any_folder_gives_a_report(tmp_path, options):
    made = fabricate(tmp_path, **options)
    text, page = read(write_report(made.folder))
    assert page.faults == []
    assert not re.search(r"\b(nan|inf|None)\b", text.split("<main>")[1].split("<pre>")[0])
    for chart in re.findall(r'"application/json">(.*?)</script>', text):
        json.loads(chart, parse_constant=pytest.fail)


def test_a_metric_without_direction_is_shown_without_ranks(tmp_path):
    made = fabricate(tmp_path)
    made.plan["metrics"]["cldice"]["higher_is_better"] = None
    made.rewrite()
    text, _ = read(write_report(made.folder))
    assert "cldice" in text


def test_no_viewer_is_written_when_the_store_is_gone(tmp_path):
    made = fabricate(tmp_path)
    report = write_report(made.folder)
    assert not report.with_name("viewer.html").exists()
    assert "viewer.html" not in report.read_text("utf-8")


def test_the_viewer_carries_image_truth_and_predictions(report):
    import base64
    import gzip
    import json

    import nibabel as nib
    import numpy as np

    text = report.with_name("viewer.html").read_text("utf-8")
    scenes = json.loads(re.search(r'id="scenes">(.*?)</script>', text).group(1))
    assert [scene["title"].split(" (")[1] for scene in scenes][:1] == [
        "worst subject of mixed/wgan-gp-sn)"
    ]
    volumes = {v["name"]: v for v in scenes[0]["volumes"]}
    assert list(volumes) == ["image", "truth", "mixed/wgan-gp-sn", "real", "synthetic/wgan-gp-sn"]
    arrays = {}
    for name, volume in volumes.items():
        image = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume["data"])))
        assert image.header.get_zooms() == pytest.approx((0.5, 0.5, 0.7))
        arrays[name] = np.asarray(image.dataobj)
    np.testing.assert_array_equal(arrays["real"], np.roll(arrays["truth"], 1, axis=1))
    assert arrays["image"][arrays["truth"] > 0].mean() > 150


def test_the_viewer_keeps_to_its_budget(made, monkeypatch):
    from vbench.report import viewer

    monkeypatch.setattr(viewer, "BUDGET", 10)
    report = write_report(made.folder)
    assert report.with_name("viewer.html").read_text("utf-8").count('"title": ') == 1


def test_the_report_names_the_worst_patient_and_says_that_it_is_for_use_in_house(tmp_path):
    truth = {"real": 0.9, "synthetic/copy": 0.88, "synthetic/gan": 0.8}
    made = fabricate(tmp_path, truth=truth, seeds=(0,), n_test=1, failed=None)
    made.plan["data"]["source"]["plugin"] = "nnunet"
    made.plan["data"]["source"]["subjects"]["train"][3] = HOSTILE
    made.privacy("synthetic/copy")["nn-ratio"] |= {
        "alarm": True,
        "ceiling": 0.0,
        "patients": [{"subject": 3, "value": 0.75, "ci95": [0.6, 0.9]}],
    }
    train = made.record(made.arm("synthetic/copy")["audit"]["0"])["inputs"]["train"]
    made.record(train[3])["inputs"]["subject"] = HOSTILE
    made.rewrite()
    text, page = read(write_report(made.folder))
    assert page.faults == []
    assert "<img src=x" not in text
    table = text[text.index('id="leaderboard"') : text.index('id="subjects"')]
    assert '<td><strong>⚠ alarm</strong></td>\n<td data-value="0.75">0.75 [0.60, 0.90]' in table
    assert "onerror=alert(1)" in table
    panel = text[text.index('id="audits"') : text.index('id="cost"')]
    assert "Patients are named as in the data set: this report is for use in-house." in panel
    assert "Utility against risk of the worst patient" in panel
    assert "Utility against strongest privacy score" in panel
    made.plan["data"]["source"]["plugin"] = "phantom"  # nobody's image
    made.rewrite()
    assert "in-house" not in write_report(made.folder).read_text()
