"""Patches of pictures whose pixels have no known size: no paper of theirs says that they have."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from PIL import Image
from toy_benchmark import LEAKY, TOYS, toy_spec

from vbench import api
from vbench.share import rerun


def pictures(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for i, name in enumerate("abcd"):
        label = np.zeros((24, 20), np.uint8)
        label[6:11, 2 : -3 - i] = 255
        for kind, array in (("images", rng.integers(0, 99, label.shape) + label // 2),
                            ("labels", label)):  # fmt: skip
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(folder / kind / f"{name}.png")
    return folder


@pytest.mark.parametrize(("size", "said", "edges"), [
    (None, "unknown", []), (0.5, "0.5 × 0.5 × 0.5 mm", [0.5, 0.5, 0.5]),
])  # fmt: skip
def test_what_leaves_says_the_size_of_a_pixel_only_where_it_is_known(
    size: float | None,
    said: str,
    edges: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rerun, "_defaults", lambda plugins, family: ())
    source = {"plugin": "images", "path": str(pictures(tmp_path / "set"))}
    split = {"train": 2, "val": 1, "test": 1}
    spec = toy_spec(
        data__source=source | {"split": split} | ({"pixel_size": size} if size else {}),
        patches__size=[8, 8],
        generators=[{"plugin": "noise"}],
        metrics={"segmentation": ["dsc", "hd95"], "fidelity": ["mmd"], "privacy": ["verbatim"]},
        patches__per_subject=20,
        plugins__paths=[TOYS, LEAKY],
    )
    out, share = tmp_path / "results", tmp_path / "share"
    api.run(spec, out, tracking=False)
    made = command("export", "synthetic/noise", share, "--nifti", "--out", out)
    assert made.code == 0, made.err
    assert json.loads((share / "dataset.json").read_text())["spacing"] == edges
    sheet = (share / "DATASHEET.md").read_text()
    assert f"- **Voxel**: {said}\n" in sheet
    for paper in ("DATASHEET.md", "DATASHEET.html", "README.md", "croissant.json"):
        assert edges or "1 × 1 × 1" not in (share / paper).read_text(), paper
    image = nib.load(next((share / "nnunet" / "imagesTr").iterdir()))
    np.testing.assert_allclose(image.header.get_zooms(), edges or [1, 1, 1])
