"""The gallery and the walk: what is committed is what the documents say, and names no machine."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from command_line import vbench
from documents import ROOT

sys.path += [str(ROOT / "benchmarks"), str(ROOT / "docs")]

import gallery
import walk

#: Of people's machines: home folders, temporary ones, hosts.
PLACE = re.compile(r"/(?:home|root|tmp|work|Users)/")


def test_every_report_of_the_gallery_is_on_its_page_and_small() -> None:
    page = (ROOT / "docs/gallery/index.md").read_text()
    listed = re.findall(r"^\| \[[\w-]+\]\(([\w-]+)\.html\)", page, re.MULTILINE)
    assert sorted(listed) == gallery.names()
    made = ("report.html", "viewer.html")  # by whoever tried the page's command
    files = [path for path in gallery.KEPT.rglob("*.*") if path.name not in made]
    assert sum(path.stat().st_size for path in files) < 6e6
    assert not [path for path in files if path.suffix == ".safetensors"]
    for path in files:
        if path.suffix in (".json", ".jsonl"):
            assert not PLACE.search(path.read_text()), path


def test_a_gallery_shows_no_patients(tmp_path: Path) -> None:
    plan = json.loads((gallery.KEPT / gallery.names()[0] / "plan.json").read_text())
    plan["data"]["source"]["plugin"] = "nnunet"
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(SystemExit, match="phantoms only"):
        gallery.report(tmp_path)


def test_what_a_report_reads_is_kept_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (out / "store" / "key").mkdir(parents=True)
    (out / "made").mkdir()
    (out / "made" / "plan.json").write_text('{"path": "/home/me/scan.nii.gz"}')
    (out / "store" / "key" / "samples-0.npy").write_bytes(b"1")
    (out / "store" / "key" / "weights.safetensors").write_bytes(b"2")

    def reads(folder: Path) -> None:
        (folder / "plan.json").read_text()
        (folder.parent / "store/key/samples-0.npy").read_bytes()
        Path(__file__).read_text()

    monkeypatch.setattr(gallery, "report", reads)
    monkeypatch.setattr(gallery, "KEPT", tmp_path / "kept")
    kept = {path.relative_to(tmp_path / "kept").as_posix() for path in gallery.keep(out / "made")}
    assert kept == {"made/plan.json", "store/key/samples-0.npy"}
    assert (tmp_path / "kept/made/plan.json").read_text() == '{"path": "…/scan.nii.gz"}'


def test_the_walk_takes_ten_commands_and_its_transcript_is_of_them() -> None:
    text = walk.WRITTEN.read_text()
    typed = re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    assert len(typed) <= 10
    assert [re.sub(r"vbench-\S+\.whl", "{wheel}", line) for line in typed] == [*walk.COMMANDS]
    page = (ROOT / "docs/howto/start.md").read_text()
    page = re.sub(r"vbench-\S+\.whl", "{wheel}", page)  # of whatever version
    for line in walk.COMMANDS:
        assert re.search(rf"^{re.escape(line)}$", page, re.MULTILINE), line
    assert not PLACE.search(text)
    assert "synthetic/wgan-gp-sn" in text


def test_the_walks_scans_are_found_as_it_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.make_scans(tmp_path / "scans", count=3, edge=20)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(walk.LAYOUT)
    assert "3 subjects" in vbench("init", "mine", "--data", "scans", *words).out
    assert vbench("validate", "mine/benchmark.toml", *shlex.split(walk.SHORT)).code == 0


def test_a_transcript_names_no_place_and_is_cut_at_its_beginning() -> None:
    said = walk.discreet(
        "\n".join(["a"] * 60 + ["/tmp/vbench-walk-x/results: done "]), Path("vbench-walk-x")
    )
    lines = said.splitlines()
    assert (lines[0], lines[-1]) == ("… 16 more lines", "~/results: done")
    shown = walk.transcript([walk.Step("vbench doctor", "fine", 1.2)], quick=True)
    assert "$ vbench doctor\nfine\n# 1 s\n```" in shown
    assert "--quick" in shown
