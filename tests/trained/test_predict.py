"""Predictions of new scans are those of ``evaluate``, voxel by voxel, on the scans' own grids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from datasets import save, scene
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench import api
from vbench.analysis.folder import read_results
from vbench.data.nifti import read_image
from vbench.errors import StoreError
from vbench.trained.arm import open_arm
from vbench.trained.segmenter import TrainedSegmenter

TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [-0.2, 1, 0.15], [0.1, -0.15, 1]]))[0]
ROTATED = np.eye(4)
ROTATED[:3] = np.column_stack([TURN * [0.5, 0.6, 0.8], [20, -7, 3]])
SWAPPED = np.array([[0, 0, -0.8, 9], [0.5, 0, 0, -4], [0, -0.6, 0, 3], [0, 0, 0, 1.0]])
PLAIN = np.diag([0.5, 0.6, 0.8, 1.0])
#: Of the subjects: how they lie, and their unit.
GRIDS = [(PLAIN, "mm"), (ROTATED, "mm"), (SWAPPED, "mm"), (PLAIN * [[-1], [1], [1], [1]], "mm"),
         (np.diag([500, 600, 800, 1.0]), "micron"), (PLAIN, "mm")]  # fmt: skip


def dataset(folder: Path, masks: bool) -> Path:
    for i, (affine, unit) in enumerate(GRIDS):
        image, vessel, mask = scene(i)
        image[mask] += np.random.default_rng(i).normal(0, 40, mask.sum())
        # What is saved along the file's axes; the scene itself is of no orientation.
        save(folder / f"imagesTr/case{i}_0000.nii.gz", image, affine, unit=unit)
        save(folder / f"labelsTr/case{i}.nii.gz", vessel, affine, unit=unit)
        if masks:
            save(folder / f"masksTr/case{i}.nii.gz", mask, affine, unit=unit)
    return folder


def results(folder: Path, data: Path, **changes: Any) -> Path:
    spec = toy_spec(
        data__source={
            "plugin": "nnunet",
            "path": str(data),
            "split": {
                "train": ["case0"],
                "val": ["case5"],
                "test": [f"case{i}" for i in (1, 2, 3, 4)],
            },
        },
        data__target={"plugin": "blobs", "split": {"train": 2, "val": 1, "test": 1}},
        regimes={"real": True},
        plugins__paths=[TOYS],
        **changes,
    )
    api.run(spec, folder, tracking=False)
    return folder


def evaluated(out: Path, seed: int = 0) -> Path:
    read = read_results(out / "toys")
    return out / "store" / read.arms[0].evaluate[seed] / "predictions"


@pytest.fixture(scope="module", autouse=True)
def _warm(warm_workers: None) -> None:
    """One worker for all of this module's runs."""


def same(one: Path, other: Path) -> None:
    a, b = nib.load(one), nib.load(other)
    np.testing.assert_array_equal(np.asarray(a.dataobj), np.asarray(b.dataobj))
    np.testing.assert_array_equal(a.affine, b.affine)
    assert a.header.get_xyzt_units() == b.header.get_xyzt_units()
    assert np.asarray(a.dataobj).any()


@pytest.mark.parametrize(
    ("masks", "changes"),
    [
        (True, {"data__normalise": "patch-minmax"}),
        (False, {"data__normalise": "zscore", "patches__size": [8, 6]}),
        (
            False,
            {
                "segmenter": {"plugin": "unet3d", "params": {"steps": 3, "width": 4}},
                "patches__size": [8, 8, 8],
            },
        ),
    ],
    ids=["masked", "derived-2d", "unet"],
)
def test_predictions_are_those_of_evaluate(
    tmp_path: Path, masks: bool, changes: dict[str, Any]
) -> None:
    data = dataset(tmp_path / "data", masks)
    out = results(tmp_path / "out", data, **changes)
    files = [data / f"imagesTr/case{i}_0000.nii.gz" for i in (1, 2, 3, 4)]
    made = vbench.predict("real", files, tmp_path / "masks", benchmark="toys", out=out)
    assert [path.name for path in made.files] == [f"case{i}.nii.gz" for i in (1, 2, 3, 4)]
    for path in made.files:
        same(path, evaluated(out) / path.name)
    assert {image.mask == "given" for image in made.about.images} == {masks}
    assert made.about.finished
    found = nib.load(made.files[0])
    volume = np.asarray(found.dataobj).sum() * np.prod([0.5, 0.6, 0.8])
    assert made.about.images[0].vessel_mm3 == pytest.approx(volume, rel=1e-4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("data"), masks=True)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return results(tmp_path_factory.mktemp("results"), data, benchmark__seeds=[0, 1, 2])


def scan(data: Path, i: int = 1) -> Path:
    return data / f"imagesTr/case{i}_0000.nii.gz"


def test_all_seeds_give_their_mean_and_its_spread(data: Path, out: Path, tmp_path: Path) -> None:
    made = vbench.predict("real", scan(data), tmp_path / "x", benchmark="toys", out=out, seed="all")
    single = [
        TrainedSegmenter(open_arm("real", benchmark="toys", out=out, seed=seed))
        .predict(scan(data), data / "masksTr/case1.nii.gz")
        for seed in (0, 1, 2)
    ]  # fmt: skip
    stack = np.stack([each.probability for each in single])
    assert stack.std(axis=0).max() > 0
    mean, spread = (
        read_image(tmp_path / "x" / kind / "case1.nii.gz").array
        for kind in ("probability", "spread")
    )
    np.testing.assert_allclose(mean, stack.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(spread, stack.std(axis=0, ddof=1), atol=1e-6)
    threshold = np.mean([each.threshold for each in single])
    found = read_image(tmp_path / "x/case1.nii.gz", integer=True).array
    np.testing.assert_array_equal(found > 0, stack.mean(axis=0) >= np.float32(threshold))
    assert made.about.made.seeds == (0, 1, 2)


def test_one_seed_can_be_named_and_its_probabilities_kept(
    data: Path, out: Path, tmp_path: Path
) -> None:
    vbench.predict(
        "real", scan(data), tmp_path / "x", benchmark="toys", out=out, seed=2, probabilities=True
    )
    same(tmp_path / "x/case1.nii.gz", evaluated(out, 2) / "case1.nii.gz")
    maps = read_image(tmp_path / "x/probability/case1.nii.gz").array
    assert 0 <= maps.min() < maps.max() <= 1
    assert not (tmp_path / "x/spread").exists()


def test_a_data_set_means_its_test_images_and_their_masks(
    data: Path, out: Path, tmp_path: Path
) -> None:
    own = tmp_path / "set"
    for i in (1, 3):
        for kind, name in (
            ("images", f"case{i}_0000"),
            ("masks", f"case{i}"),
            ("labels", f"case{i}"),
        ):
            image = nib.load(data / f"{kind}Tr/{name}.nii.gz")
            save(own / f"{kind}Ts/{name}.nii.gz", np.asarray(image.dataobj), image.affine)
    save(own / "imagesTs/case1_0001.nii.gz", np.zeros((2, 2, 2)))  # another channel
    said = command(
        "predict", "real", own, "--to", tmp_path / "x", "--out", out, "--score", own / "labelsTs"
    )
    assert said.code == 0, said.err
    assert "dsc@1" in said.out
    assert sorted(path.name for path in (tmp_path / "x").glob("*.nii.gz")) == [
        "case1.nii.gz", "case3.nii.gz"
    ]  # fmt: skip
    same(tmp_path / "x/case3.nii.gz", evaluated(out) / "case3.nii.gz")
    found = json.loads(
        command("predict", "real", own / "imagesTs", "--to", tmp_path / "y", "--out", out,
                "--score", own / "labelsTs", "--json").out
    )  # fmt: skip
    scores = {c["subject"]: c["value"] for c in found["scores"]["cases"] if c["metric"] == "dsc"}
    board = {
        case.subject: case.value
        for case in read_results(out / "toys")
        .evaluated(read_results(out / "toys").arms[0], 0)
        .cases
    }
    assert scores == {name: pytest.approx(board[name]) for name in ("case1", "case3")}


def test_what_is_interrupted_goes_on(
    data: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, folder = [scan(data, i) for i in (1, 2, 3)], tmp_path / "x"
    whole = TrainedSegmenter.predict_scan
    seen: list[str] = []

    def stopped(self: TrainedSegmenter, name: str, *rest: Any, **named: Any) -> Any:
        seen.append(name)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return whole(self, name, *rest, **named)

    monkeypatch.setattr(TrainedSegmenter, "predict_scan", stopped)
    with pytest.raises(KeyboardInterrupt):
        vbench.predict("real", files, folder, benchmark="toys", out=out)
    assert [path.name for path in folder.glob("*.nii.gz")] == ["case1.nii.gz"]
    with pytest.raises(StoreError, match="exists and is not empty"):
        vbench.predict("real", files, folder, benchmark="toys", out=out, probabilities=True)
    with pytest.raises(StoreError, match="exists and is not empty"):
        vbench.predict("real", files[1:], folder, benchmark="toys", out=out)
    made = vbench.predict("real", files, folder, benchmark="toys", out=out)
    assert seen == ["case1", "case2", "case2", "case3"]
    assert len(made.files) == 3
    with pytest.raises(StoreError, match="exists and is not empty"):
        vbench.predict("real", files, folder, benchmark="toys", out=out)


def test_progress_ends_at_all_voxels(data: Path, out: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    files = [scan(data, 1), scan(data, 2)]
    vbench.predict(
        "real", files, tmp_path / "x", benchmark="toys", out=out,
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    total = told[0][2]
    assert [step[1] for step in told] == sorted(step[1] for step in told)
    assert told[-1] == ("case2", total, total)


def test_a_scan_without_a_mask_and_of_other_voxels_is_remarked(
    data: Path, out: Path, tmp_path: Path
) -> None:
    coarse = save(tmp_path / "coarse.nii", scene(0)[0], np.diag([1.5, 0.6, 0.8, 1]))
    made = vbench.predict("real", coarse, tmp_path / "x", benchmark="toys", out=out)
    assert any("no mask, and the arm learnt from masked volumes" in each for each in made.remarks)
    assert any("voxels are of another size than in training" in each for each in made.remarks)


def test_bad_input_is_one_line_and_nothing_is_written(
    data: Path, out: Path, tmp_path: Path
) -> None:
    image = scan(data)
    damaged = tmp_path / "damaged.nii.gz"
    damaged.write_bytes(image.read_bytes()[:-40])
    other = save(tmp_path / "other" / "case1.nii.gz", scene(0)[0])
    small = save(tmp_path / "small" / "case1.nii.gz", np.ones((3, 3, 3), bool))
    shape = scene(0)[0].shape
    soft = save(tmp_path / "soft" / "case5.nii.gz", np.full(shape, 0.3), PLAIN)
    below = save(tmp_path / "below" / "case5.nii.gz", np.full(shape, -1, np.int16), PLAIN)
    moved = save(tmp_path / "moved" / "case5.nii.gz", scene(5)[1], ROTATED)
    straight = scan(data, 5)
    empty = tmp_path / "empty"
    empty.mkdir()
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    flat = save(tmp_path / "flat.nii", np.ones((12, 12, 12)))
    bad: list[tuple[list[object], str]] = [
        (["rael", image], "no arm is called 'rael'; did you mean 'real'?"),
        (["real", image, "--seed", "7"], "seed 7 has not finished (finished: 0, 1, 2)"),
        (
            ["real", image, "--seed", "best"],
            "neither a seed nor a seed and a fold such as '0 fold 2', nor 'all'",
        ),
        (["real", image, "--benchmark", "toy"], "no benchmark 'toy'"),
        (["real", tmp_path / "no.nii"], "no such file"),
        (["real", damaged], "damaged or cut short"),
        (["real", image, damaged], "damaged or cut short"),
        (["real", flat], "the image is constant"),
        (["real", image, other], "two images of one name, 'case1'"),
        (["real", image, image], "two images of one name"),
        (["real", data], "no .nii or .nii.gz file in it; name"),
        (["real", empty], "name the folder that holds the images"),
        (["real", image, "--mask", small], "the image"),
        (["real", image, "--score", small], "the image"),
        (["real", straight, "--score", soft], "are not whole numbers"),
        (["real", straight, "--score", below], "the label has negative values"),
        (["real", straight, "--score", moved], "its affine places it"),
        (["real", image, scan(data, 2), "--mask", small], "one mask, 2 images"),
        (["real", scan(data, 2), "--score", small.parent], "no label of subject 'case2'"),
        (["real", image, "--score", tmp_path / "none"], "no such file or folder"),
    ]
    before = sorted(tmp_path.rglob("*"))
    for arguments, message in bad:
        said = command("predict", *arguments, "--to", tmp_path / "new" / "x", "--out", out)
        assert said.code == 2, arguments
        assert message in said.err, said.err
        assert (
            len(
                [
                    line
                    for line in said.err.splitlines()
                    if "Usage" not in line and "Try" not in line and line
                ]
            )
            == 1
        )
        assert sorted(tmp_path.rglob("*")) == before
    said = command("predict", "real", image, "--to", full, "--out", out)
    assert said.code == 2
    assert "exists and is not empty; name another folder" in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_arm_that_has_not_finished_is_said(data: Path, out: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(out / "toys", tmp_path / "out" / "toys")
    lines = [json.loads(line) for line in (out / "toys/records.jsonl").read_text().splitlines()]
    for kept, code, message in (
        ([], 2, "has not finished"),
        ([0], 2, "a spread takes two or more"),
    ):
        left = [line for line in lines if line["stage"] != "evaluate" or line["seed"] in kept]
        (tmp_path / "out/toys/records.jsonl").write_text(
            "".join(json.dumps(x) + "\n" for x in left)
        )
        said = command(
            "predict",
            "real",
            scan(data),
            "--to",
            tmp_path / "x",
            "--out",
            tmp_path / "out",
            "--seed",
            "all",
        )
        assert (said.code, message in said.err) == (code, True), said.err
    assert not (tmp_path / "x").exists()
