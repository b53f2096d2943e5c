"""2D pictures: predicted and scored as the benchmark's own, pixel by pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from PIL import Image
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench import api
from vbench.analysis.folder import read_results
from vbench.errors import DataError


def drawn(seed: int, classes: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a picture in colour, its label and its field of view, of another size each time."""
    rng = np.random.default_rng(seed)
    label = np.zeros((30 + 2 * seed, 44), np.uint8)
    label[6 : 9 + seed % 2, 4:-9] = 1
    label[6:-5, 12:15] = 2 if classes else 1
    green = rng.normal(190, 9, label.shape) - 60 * (label > 0) - 50 * (label == 2)
    colour = np.stack([green / 4, green, rng.normal(90, 30, label.shape)], axis=-1)
    seen = np.full(label.shape, 255, np.uint8)
    seen[-3:, -6:] = 0
    return colour.clip(0, 255).astype(np.uint8), label, seen


def pictures(folder: Path, masks: bool = False, classes: bool = False) -> Path:
    for i in range(5):
        colour, label, seen = drawn(i, classes)
        parts = {"images": colour, "labels": label * np.uint8(1 if classes else 255)}
        for kind, array in (parts | ({"masks": seen} if masks else {})).items():
            (folder / kind).mkdir(parents=True, exist_ok=True)
            ending = "tif" if kind == "images" and i == 2 else "png"
            Image.fromarray(array).save(folder / kind / f"p{i}_0001.{ending}")
    return folder


def results(folder: Path, data: Path, labels: dict[str, Any] | None = None, **source: Any) -> Path:
    split = {"train": ["p0_0001"], "val": ["p4_0001"], "test": [f"p{i}_0001" for i in (1, 2, 3)]}
    table = {"plugin": "images", "path": str(data), "channel": "green", "invert": True}
    table |= {"split": split, **source} | ({"labels": labels} if labels else {})
    spec = toy_spec(
        data__source=table,
        data__target={
            **table,
            "path": str(pictures(data.with_name("target"), classes=bool(labels))),
        }
        | {"split": {"train": 2, "val": 1, "test": 1}},
        patches__size=[12, 12],
        generators=[{"plugin": "noise"}],
        regimes={"real": True},
        segmenter={"plugin": "unet3d", "params": {"steps": 6, "width": 4}},
        plugins__paths=[TOYS],
    )
    api.run(spec, folder, tracking=False)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _warm(warm_workers: None) -> None:
    """One worker for all of this module's runs."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("pictures") / "set", masks=True)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return results(tmp_path_factory.mktemp("results"), data, pixel_size=[0.02, 0.01])


def evaluated(out: Path, name: str) -> np.ndarray:
    """Return what evaluate predicted, as the picture's rows and columns."""
    read = read_results(out / "toys")
    file = out / "store" / read.arms[0].evaluate[0] / "predictions" / f"{name}.nii.gz"
    # Written on the picture's own grid: columns from left to right, rows from the top.
    return np.asarray(nib.load(file).dataobj)[:, :, 0].T


def test_predictions_of_pictures_are_those_of_evaluate(
    data: Path, out: Path, tmp_path: Path
) -> None:
    files = sorted((data / "images").glob("p[123]_*"))
    made = vbench.predict(
        "real", files, tmp_path / "x", benchmark="toys", out=out, probabilities=True
    )
    assert [path.name for path in made.files] == [f"p{i}_0001.png" for i in (1, 2, 3)]
    for path in made.files:
        with Image.open(path) as found:
            assert found.mode == "L"
            values = np.asarray(found)
        wanted = evaluated(out, path.stem)
        assert wanted.any()
        np.testing.assert_array_equal(values, wanted * 255)
        with Image.open(tmp_path / "x/probability" / path.name) as found:
            probability = np.asarray(found).astype(float) / 65535
        assert probability.shape == values.shape
        sure = abs(probability - made.about.made.threshold) > 1e-4
        np.testing.assert_array_equal((probability > made.about.made.threshold)[sure],
                                      (values > 0)[sure])  # fmt: skip
    assert {image.mask for image in made.about.images} == {"given"}


def test_a_folder_of_pictures_is_predicted_and_scored_as_in_the_benchmark(
    data: Path, out: Path, tmp_path: Path
) -> None:
    said = command("predict", "real", data / "images", "--to", tmp_path / "x", "--out", out,
                   "--score", data / "labels", "--json")  # fmt: skip
    assert said.code == 0, said.err
    found = json.loads(said.out)["scores"]
    assert found["summary"]["hd95"]["unit"] == "mm"
    read = read_results(out / "toys")
    board = {
        (case.subject, case.metric): case.value for case in read.evaluated(read.arms[0], 0).cases
    }
    scores = {(c["subject"], c["metric"]): c["value"] for c in found["cases"]}
    assert {key: scores[key] for key in board} == {
        key: pytest.approx(value) for key, value in board.items()
    }
    said = command("score", "--pred", tmp_path / "x", "--truth", data / "labels", "--json",
                   "--pixel-size", "0.02,0.01")  # fmt: skip
    assert said.code == 0, said.err
    again = {(c["subject"], c["metric"]): c["value"] for c in json.loads(said.out)["cases"]}
    assert again == {key: pytest.approx(value) for key, value in scores.items()}


def test_classes_keep_their_values_and_are_scored_by_name(tmp_path: Path) -> None:
    data = pictures(tmp_path / "set", classes=True)
    labels = {"artery": 1, "vein": 2}
    out = results(tmp_path / "out", data, labels)
    file = data / "images" / "p1_0001.png"
    made = vbench.predict(
        "real", file, tmp_path / "x", benchmark="toys", out=out, score=data / "labels"
    )
    with Image.open(made.files[0]) as found:
        np.testing.assert_array_equal(np.asarray(found), evaluated(out, "p1_0001"))
    assert made.scores is not None
    assert made.scores.unmeasured
    assert made.scores.summary()["hd95"].unit == "px"
    # What lies in masks/ is no field of view to an arm that learnt without.
    (data / "masks").mkdir()
    Image.fromarray(np.zeros((32, 44), np.uint8)).save(data / "masks" / file.name)
    again = vbench.predict("real", file, tmp_path / "z", benchmark="toys", out=out)
    assert again.files[0].read_bytes() == made.files[0].read_bytes()
    wrong = tmp_path / "p1_0001.png"
    Image.fromarray(np.full(drawn(1, True)[1].shape, 7, np.uint8)).save(wrong)
    with pytest.raises(DataError, match=r"p1_0001\.png: .*7"):
        vbench.predict("real", file, tmp_path / "y", benchmark="toys", out=out, score=wrong)
    assert not (tmp_path / "y").exists()


def test_what_is_no_picture_of_the_arm_is_said(data: Path, out: Path, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.fromarray(drawn(0, False)[0][..., 0]).save(grey)
    small = tmp_path / "small.png"
    Image.fromarray(np.ones((4, 4), np.uint8)).save(small)
    empty = tmp_path / "empty"
    empty.mkdir()
    image = data / "images" / "p1_0001.png"
    for arguments, message in (
        ([grey], "a grey picture has no channel 'green'"),
        ([empty], "no picture and no .nii or .nii.gz file in it"),
        ([data], f"name {data / 'images'}"),
        ([image, "--mask", small], "small.png: shape (4, 4, 1) (in RAS), the image"),
        ([image, "--score", small], "small.png: shape (4, 4, 1) (in RAS), the image"),
    ):
        said = command("predict", "real", *arguments, "--to", tmp_path / "x", "--out", out)
        assert (said.code, message in said.err) == (2, True), said.err
        assert not (tmp_path / "x").exists()


def test_pictures_are_scored_in_pixels_where_no_size_is_given(tmp_path: Path) -> None:
    truth = np.zeros((20, 30), np.uint8)
    truth[5:9, 3:25] = 255
    for kind, array in (("truth", truth), ("pred", np.roll(truth, 2, 0) // 255)):
        (tmp_path / kind).mkdir()
        Image.fromarray(array).save(tmp_path / kind / "a.png")
    places = ("--pred", tmp_path / "pred", "--truth", tmp_path / "truth", "--metric", "hd95")
    said = command("score", *places)
    assert said.code == 0, said.err
    assert "the size of a pixel is not known: distances count pixels; --pixel-size" in said.err
    assert "px" in said.out
    assert "mm" not in said.out
    found = vbench.score_files(tmp_path / "pred", tmp_path / "truth", ["hd95"], pixel_size=0.5)
    assert found.cases[0].value == pytest.approx(1.0)
    one = vbench.score(tmp_path / "pred/a.png", tmp_path / "truth/a.png", metrics=["hd95"])
    assert one["hd95"] == pytest.approx(2.0)
    said = command("score", *places, "--pixel-size", "wide")
    assert (said.code, "expected an edge in mm above 0" in said.err) == (2, True)
    (tmp_path / "mixed").mkdir()
    nib.save(nib.Nifti1Image(truth[..., None], np.eye(4)), tmp_path / "mixed/a.nii.gz")
    said = command("score", "--pred", tmp_path / "pred", "--truth", tmp_path / "mixed")
    assert (said.code, "one is a picture, one a volume" in said.err) == (2, True)
