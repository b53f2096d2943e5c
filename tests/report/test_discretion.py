"""What leaves the house: no places on a disk, no images of patients unless asked for."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from command_line import vbench
from fabricate import fabricate

from vbench.report.discretion import patients, without_places


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/data/clinic/p1/scan.nii.gz: empty; copy it", "…/scan.nii.gz: empty; copy it"),
        ('  File "/home/me/gan.py", line 3', '  File "…/gan.py", line 3'),
        ('{"path": "/mnt/Dataset001", "n": 1}', '{"path": "…/Dataset001", "n": 1}'),
        ("see https://doi.org/10.1/abc and transfer/wgan/n1, 1/2", None),
        ("</style></td> a / b //", None),
    ],
)
def test_absolute_paths_are_cut_and_nothing_else(text: str, shown: str | None) -> None:
    assert without_places(text) == (shown or text)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark on people's scans, with volumes, predictions and a failure that names a place."""
    out = tmp_path_factory.mktemp("out")
    made = fabricate(out, truth={"real": 0.9, "synthetic/dcgan": 0.8}, failed=None, artifacts=True)
    plan = json.loads((made.folder / "plan.json").read_text())
    plan["data"]["source"] |= {"plugin": "nnunet", "params": {"path": "/data/clinic/Dataset001"}}
    plan["spec"]["data"]["source"] = {"plugin": "nnunet", "path": "/data/clinic/Dataset001"}
    plan["provenance"]["folder"] = "/home/me/project"
    (made.folder / "plan.json").write_text(json.dumps(plan))
    return out


def test_a_report_says_at_the_top_whose_images_it_holds_or_holds_none(out: Path) -> None:
    assert vbench("report", "--out", out).code == 0
    folder = out / "demo"
    with_images = (folder / "report.html").read_text()
    assert "This file holds pictures of people</strong> (source data, nnunet)" in with_images
    assert "This file holds volumes of people" in (folder / "viewer.html").read_text()
    assert vbench("report", "--out", out, "--no-patient-images").code == 0
    without = (folder / "report.html").read_text()
    assert "holds pictures of people" not in without
    assert not (folder / "viewer.html").exists()
    assert "viewer.html" not in without
    for part in ("samples", "projections"):
        assert f'id="{part}"' in with_images
        assert f'id="{part}"' not in without
    assert without.count("data:image") < with_images.count("data:image")
    assert "/data/clinic" not in without + with_images


def test_a_pack_holds_results_but_no_images_and_no_places(out: Path, tmp_path: Path) -> None:
    target = tmp_path / "demo.zip"
    assert vbench("pack", "demo", "--out", out, "--to", target).code == 0
    with zipfile.ZipFile(target) as file:
        texts = {name.removeprefix("demo/"): file.read(name).decode() for name in file.namelist()}
    assert {"report.html", "leaderboard.csv", "spec.json", "records.jsonl"} <= set(texts)
    assert "references.bib" in texts
    assert json.loads(texts["spec.json"])["data"]["source"]["path"] == "…/Dataset001"
    assert json.loads(texts["plan.json"])["provenance"]["folder"] == "…/project"
    whole = "".join(texts.values())
    assert "/data/clinic" not in whole
    assert "/home/me" not in whole
    assert 'id="projections"' not in texts["report.html"]
    assert "no picture or volume of a patient" in texts["README.txt"]
    again = tmp_path / "again.zip"
    assert vbench("pack", "demo", "--out", out, "--to", again).code == 0
    assert again.read_bytes() == target.read_bytes()
    answer = vbench("pack", "demo", "--out", out, "--to", target)
    assert (answer.code, "is there already" in answer.err) == (2, True)
    asked = tmp_path / "asked.zip"
    assert vbench("pack", "--out", out, "--to", asked, "--patient-images").code == 0
    with zipfile.ZipFile(asked) as file:
        assert "demo/viewer.html" in file.namelist()
        assert "keep it in the house" in file.read("demo/README.txt").decode()


def test_a_pack_goes_into_a_folder_under_its_own_name(out: Path, tmp_path: Path) -> None:
    for to in (tmp_path, f"{tmp_path}/new/"):
        answer = vbench("pack", "demo", "--out", out, "--to", to)
        target = Path(to) / "demo.vbench.zip"
        assert (answer.code, answer.out.partition(":")[0]) == (0, str(target))
        assert zipfile.is_zipfile(target)
    answer = vbench("pack", "demo", "--out", out, "--to", tmp_path)
    assert (answer.code, f"{tmp_path}/demo.vbench.zip: is there already" in answer.err) == (2, True)


def test_both_folders_get_their_report(out: Path, tmp_path: Path) -> None:
    fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    answer = vbench("report", "demo", "--out", out, "--out", tmp_path)
    assert answer.out.split() == [str(x / "demo" / "report.html") for x in (out, tmp_path)]
    answer = vbench("report", "--out", out, "--out", tmp_path, "--summary", tmp_path / "s")
    assert (answer.code, "name one --out" in answer.err) == (2, True)


def test_papers_of_plugins_become_entries_that_bibtex_reads(out: Path) -> None:
    said = vbench("cite").out
    assert said.count("@") == 2
    said = vbench("cite", "demo", "--out", out).out
    assert "eprint        = {1505.04597}" in said
    assert "@article{isensee2021," in said
    shipped = vbench("cite", "paper").out
    keys = [line.partition("{")[2].rstrip(",") for line in shipped.splitlines() if line[:1] == "@"]
    assert len(set(keys)) == len(keys) > 10
    assert shipped.count("{") == shipped.count("}")
    assert vbench("cite", "papper").code == 2


def test_sources_that_are_no_people_need_no_word(tmp_path: Path) -> None:
    from vbench.analysis.folder import read_results

    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    assert patients(read_results(made.folder)) == ""
