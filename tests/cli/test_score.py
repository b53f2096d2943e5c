"""``vbench score``."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from masks import tubes

from vbench.cli.score import command
from vbench.colours import FALSE, FOUND, MISSED
from vbench.data.nifti import write_volume
from vbench.errors import DataError
from vbench.picture import BAND


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    for number, step in enumerate((0, 2, 4)):
        truth = tubes((18, 14, 10), np.random.default_rng(number), 2).astype(np.uint8)
        truth[-5:] = 0
        affine = np.diag([0.5, 0.5, 0.8, 1.0])
        write_volume(folder / "truth" / f"case{number}.nii.gz", truth, affine)
        write_volume(folder / "pred" / f"case{number}.nii.gz", np.roll(truth, step, 0), affine)
    return folder / "pred", folder / "truth"


def call(folders, *words, name=None):
    pred, truth = (folder / name if name else folder for folder in folders)
    words = ("--pred", pred, "--truth", truth, *words)
    return CliRunner().invoke(command, [str(word) for word in words])


def test_tables_show_every_subject_and_the_means(folders):
    result = call(folders, "--metric", "dsc", "--metric", "hd")
    assert result.exit_code == 0
    for text in ("case0", "case1", "case2", "dsc", "hd", "mean", "undefined", "lower"):
        assert text in result.output


def test_no_value_is_cut_in_a_narrow_terminal(folders, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = call(folders)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    values = json.loads(call(folders, "--json").output)
    for case in values["cases"]:
        assert f"{case['value']:.4g}" in result.output
    for row in values["summary"].values():
        assert f"{row['ci95'][0]:.4g} … {row['ci95'][1]:.4g}" in result.output
    assert {"dsc@1", "hd95@1", "hd95-pooled@1"} <= set(result.output.split())


def test_one_pair_is_one_table(folders):
    result = call(folders, "--metric", "hd", name="case1.nii.gz")
    assert result.exit_code == 0
    assert "value" in result.output
    assert "mean" not in result.output


def test_json_has_every_case_and_the_summary(folders):
    found = json.loads(call(folders, "--metric", "hd", "--metric", "dsc", "--json").output)
    assert found["metrics"] == ["hd@1", "dsc@1"]
    values = [case["value"] for case in found["cases"] if case["metric"] == "hd"]
    assert values == pytest.approx([0, 1, 2])
    assert found["cases"][0] == {
        "subject": "case0", "class": None, "metric": "hd", "value": 0.0, "status": "ok",
    }  # fmt: skip
    assert found["summary"]["hd"]["mean"] == pytest.approx(1)
    assert found["summary"]["hd"]["n"] == 3
    assert found["summary"]["hd"]["ci95"][0] == 0  # no distance is below, so no mean is
    assert found["summary"]["dsc"]["ci95"][1] <= 1


def test_json_by_class(folders):
    found = json.loads(call(folders, "--metric", "dsc", "--classes", "--json").output)
    assert set(found["summary"]) == {"1"}
    assert {case["class"] for case in found["cases"]} == {1}


def test_each_class_is_scored_on_its_own(tmp_path):
    truth = np.zeros((12, 10, 8), np.uint8)
    truth[2:4, 2:8, 2:6], truth[7:9, 2:8, 2:6] = 1, 3
    prediction = truth.copy()
    prediction[truth == 3] = 0
    prediction[8:10, 2:8, 2:6] = 3  # moved by one voxel
    affine = np.diag([0.5, 0.5, 0.8, 1.0])
    for name, array in (("pred", prediction), ("truth", truth)):
        write_volume(tmp_path / name / "case.nii.gz", array, affine)
    folders = tmp_path / "pred", tmp_path / "truth"
    found = json.loads(call(folders, "--metric", "hd", "--classes", "--json").output)
    values = {case["class"]: case["value"] for case in found["cases"]}
    assert values == {1: 0, 3: pytest.approx(0.5)}
    lines = [line.strip() for line in call(folders, "--classes").output.splitlines()]
    assert {"class 1", "class 3"} <= set(lines)


def test_classes_are_named_and_grouped(tmp_path):
    truth = np.zeros((12, 10, 8), np.uint8)
    truth[2:4, 2:8, 2:6], truth[4:6, 2:8, 2:6], truth[7:9, 2:8, 2:6] = 1, 2, 5
    truth[0, 0, :2] = 9
    truth[0, 1, :2] = 255
    prediction = np.where(np.isin(truth, (1, 2)), 1, 0).astype(np.uint8)
    prediction[0, 1, 0] = 5
    for name, array in (("pred", prediction), ("truth", truth)):
        write_volume(tmp_path / name / "case.nii.gz", array, np.eye(4))
    folders = tmp_path / "pred", tmp_path / "truth"
    named = ["--class", "artery=1,2", "--class", "vein=5", "--class", "background=9"]
    only = ["--metric", "dsc", "--metric", "side-road-f1", "--ignore", 254, "--ignore", 255]
    found = json.loads(call(folders, *named, *only, "--json").output)
    values = {(case["class"], case["metric"]): case["value"] for case in found["cases"]}
    assert values["artery", "dsc"] == 1
    assert values["vein", "dsc"] == 0
    assert values[None, "dsc"] == 0.5
    assert {key[0] for key in values if key[1] == "side-road-f1"} == {None}
    assert found["summary"][""]["dsc"]["mean"] == 0.5
    assert found["summary"]["artery"]["dsc"]["n"] == 1
    shown = call(folders, *named, *only).output
    assert shown.index("all classes") < shown.index("class artery") < shown.index("class vein")
    for wrong, said in (
        (["--class", "artery=1,2"], "has the value 5"),
        (["--class", "artery"], "expected NAME=N"),
        (["--class", "a=1", "--class", "b=1"], "is both a and b"),
        (["--class", "a=1", "--class", "a=2"], "named twice"),
        (["--class", "a=1", "--classes"], "take one"),
    ):
        refused = call(folders, *wrong, "--metric", "dsc", "--ignore", 255)
        assert refused.exit_code != 0
        assert said in refused.output + str(refused.exception)


def test_csv_has_a_row_per_value(folders, tmp_path):
    path = tmp_path / "new" / "scores.csv"
    assert call(folders, "--metric", "hd", "--csv", path).exit_code == 0
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [(row["subject"], float(row["value"]), row["status"]) for row in rows] == [
        ("case0", 0, "ok"),
        ("case1", pytest.approx(1), "ok"),
        ("case2", pytest.approx(2), "ok"),
    ]


def test_overlays_show_the_worst_first(folders, tmp_path):
    from PIL import Image

    result = call(folders, "--metric", "hd", "--overlays", tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["1-case2.png", "2-case1.png", "3-case0.png"]
    assert "1-case2.png: hd 2" in result.output
    perfect, worst = (
        np.asarray(Image.open(tmp_path / name))[BAND : BAND + 14, :18].reshape(-1, 3)
        for name in ("3-case0.png", "1-case2.png")
    )
    assert {tuple(colour) for colour in perfect} == {(0, 0, 0), FOUND}
    assert {MISSED, FALSE} <= {tuple(colour) for colour in worst}


def test_undefined_values_are_marked_and_explained(folders, tmp_path):
    empty = np.zeros((18, 14, 10), np.uint8)
    write_volume(tmp_path / "case1.nii.gz", empty, np.diag([0.5, 0.5, 0.8, 1.0]))
    result = call((tmp_path, folders[1]), "--metric", "hd95", name="case1.nii.gz")
    assert "*" in result.output
    assert "a mask is empty" in result.output


def test_what_does_not_fit_is_one_line_and_exit_2(folders, monkeypatch, capsys):
    from vbench import cli

    assert isinstance(call(folders, name="absent.nii.gz").exception, DataError)
    words = ["vbench", "score", "--pred", "absent", "--truth", str(folders[1])]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "vbench: absent: no such file or folder; check the path\n"
