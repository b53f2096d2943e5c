"""The summary to commit: Markdown with its pictures."""

from __future__ import annotations

import re

from click.testing import CliRunner
from fabricate import fabricate

from vbench.cli.report import command
from vbench.report import write_summary


def test_every_picture_is_written_and_shown(tmp_path):
    made = fabricate(tmp_path, artifacts=True, seeds=(0,))
    path = write_summary(made.folder, tmp_path / "summary")
    text = path.read_text("utf-8")
    shown, linked = (re.findall(rf"{start}\[.*?\]\((.*?)\)", text) for start in ("!", "(?<!!)"))
    written = {p.name for p in path.parent.iterdir()} - {"README.md"}
    assert len(shown) > 20
    assert sorted([*shown, *linked]) == sorted(written)
    charts = [name.removesuffix(".svg") for name in shown if name.endswith(".svg")]
    assert len(charts) >= 8
    assert {f"{chart}.{kind}" for chart in charts for kind in ("png", "pdf")} == set(linked)
    assert sum(p.stat().st_size for p in path.parent.iterdir()) < 1_500_000


def test_it_says_what_the_report_says(tmp_path):
    made = fabricate(tmp_path)
    values = {"real": {"dsc": 0.89, "hd95": 26.57}}
    made.plan["spec"]["reference"] = {"citation": "Doe", "url": "", "note": "", "values": values}
    made.rewrite()
    text = write_summary(made.folder, tmp_path / "summary").read_text("utf-8")
    for words in ("Trained on real patches", "### Beside published", "| 26.57 |", "fingerprint"):
        assert words in text


def test_names_alike_do_not_overwrite_each_other(tmp_path):
    truth = {"real": 0.9, "synthetic/a-b": 0.8, "synthetic/a.b": 0.7}
    made = fabricate(tmp_path, truth=truth, failed=None, artifacts=True, seeds=(0,))
    folder = write_summary(made.folder, tmp_path / "summary").parent
    assert (folder / "samples-a-b.png").exists()
    assert (folder / "samples-a-b-again.png").exists()


def test_hostile_names_stay_text_and_within_the_folder(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None, artifacts=True, seeds=(0,))
    made.arm("real")["arm"] = "../../x](http://e.example)<script>"
    made.rewrite()
    path = write_summary(made.folder, tmp_path / "summary")
    assert "<script>" not in path.read_text("utf-8").replace("\\<script>", "")
    assert "](http://" not in path.read_text("utf-8")
    assert not list(tmp_path.glob("x*"))


def test_the_command_writes_it_beside_the_report(tmp_path):
    fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    target = tmp_path / "kept"
    result = CliRunner().invoke(command, ["--out", str(tmp_path), "--summary", str(target)])
    assert result.output.split() == [
        str(tmp_path / "demo" / "report.html"),
        str(target / "README.md"),
    ]


def test_the_bar_and_a_collapse_are_said(tmp_path):
    made = fabricate(tmp_path)
    text = write_summary(made.folder, tmp_path / "summary").read_text("utf-8")
    assert "The bar is baseline/threshold with DSC 0.55" in text
    assert "Significantly above it: " in text or "Not told apart from it: " in text
    assert "real (+0.3" in text.partition("The bar is")[2].partition("\n")[0]
    assert "dcgan collapsed: seed 0, step 50: all labels are empty (it recovered)." in text


def test_the_bar_is_the_best_baseline_and_each_arm_stands_to_it(tmp_path):
    truth = {
        "real": 0.9,
        "synthetic/dcgan": 0.6,
        "baseline/threshold": 0.5,
        "baseline/local-threshold": 0.8,
    }
    made = fabricate(tmp_path, truth=truth, failed=None)
    text = write_summary(made.folder, tmp_path / "summary").read_text("utf-8")
    said = next(line for line in text.splitlines() if "The bar is" in line)
    assert "The bar is baseline/local-threshold, the best of 2 baselines, with DSC" in said
    assert "baseline/threshold" not in said
    above, _, below = said.partition("ignificantly below it")
    assert "real" in above
    assert "synthetic/dcgan (-0." in (below or above).replace("\u2212", "-")
