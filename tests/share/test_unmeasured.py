"""Pictures and TIFF stacks whose voxels have no known size: nothing says that they have one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from PIL import Image
from toy_benchmark import LEAKY, TOYS, toy_spec

from vbench import api
from vbench.share import rerun

PLACE = ("plugin", "path", "split")


def pictures(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    for i, name in enumerate("abcd"):
        label = np.zeros((24, 20), np.uint8)
        label[6:11, 2 : -3 - i] = 255
        for kind, array in (("images", rng.integers(0, 99, label.shape) + label // 2),
                            ("labels", label)):  # fmt: skip
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(folder / kind / f"{name}.png")
    return {"plugin": "images", "path": str(folder)}


def stacks(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    for i, name in enumerate("abcd"):
        label = np.zeros((5, 24, 20), np.uint8)
        label[1:4, 6:11, 2 : -3 - i] = 255
        for kind, array in (("images", rng.integers(0, 99, label.shape) + label // 2),
                            ("labels", label)):  # fmt: skip
            (folder / kind).mkdir(parents=True, exist_ok=True)
            first, *others = (Image.fromarray(page) for page in array.astype(np.uint8))
            first.save(folder / kind / f"{name}.tif", save_all=True, append_images=others)
    named = {"image": "images/{n}.tif", "label": "labels/{n}.tif"}
    return {"plugin": "volumes", "path": str(folder), **named}


@pytest.mark.parametrize("make", [pictures, stacks])
@pytest.mark.parametrize(("edges", "said", "unit"), [
    ([], "unknown", "px"), ([0.5, 0.5, 0.5], "0.5 × 0.5 × 0.5 mm", "mm"),
])  # fmt: skip
def test_the_size_of_a_voxel_is_told_only_where_it_is_known(
    make: Callable[[Path], dict[str, Any]],
    edges: list[float],
    said: str,
    unit: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rerun, "_defaults", lambda plugins, family: ())
    source = make(tmp_path / "set")
    if edges:
        source |= {"pixel_size": 0.5} if make is pictures else {"spacing": edges}
    split = {"train": 2, "val": 1, "test": 1}
    options = [f"--set={key}={value}" for key, value in source.items() if key not in PLACE]
    shown = command("data", "show", source["path"], "--layout", source["plugin"], *options)
    assert "0.5×0.5×0.5 mm" in shown.out if edges else "unknown" in shown.out, shown.err
    spec = toy_spec(
        data__source=source | {"split": split},
        patches__size=[8, 8],
        generators=[{"plugin": "noise"}],
        metrics={"segmentation": ["dsc", "hd95"], "fidelity": ["mmd"], "privacy": ["verbatim"]},
        patches__per_subject=20,
        plugins__paths=[TOYS, LEAKY],
    )
    out, share = tmp_path / "results", tmp_path / "share"
    api.run(spec, out, tracking=False)
    board = command("leaderboard", "--out", out, "--format", "json")
    assert json.loads(board.out)["metrics"]["hd95"]["unit"] == unit
    made = command("export", "synthetic/noise", share, "--nifti", "--out", out)
    assert made.code == 0, made.err
    assert json.loads((share / "dataset.json").read_text())["spacing"] == edges
    sheet = (share / "DATASHEET.md").read_text()
    assert f"- **Voxel**: {said}\n" in sheet
    for paper in ("DATASHEET.md", "DATASHEET.html", "README.md", "croissant.json"):
        assert edges or "1 × 1 × 1" not in (share / paper).read_text(), paper
    image = nib.load(next((share / "nnunet" / "imagesTr").iterdir()))
    np.testing.assert_allclose(image.header.get_zooms(), edges or [1, 1, 1])
