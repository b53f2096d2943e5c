"""Small data sets in the nnU-Net raw layout, of arrays as given, for tests of what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np


def write_dataset(
    folder: Path, labels: Mapping[str, Any], names: Mapping[str, int] | None = None
) -> Path:
    """Write an image of noise and bright vessels (label 1) for each label map."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for seed, (case, label) in enumerate(labels.items()):
        label = np.asarray(label)
        image = np.random.default_rng(seed).normal(0, 1, label.shape) + 5 * (label == 1)
        write_volume(folder / "imagesTr" / f"{case}_0000.nii.gz", image.astype(np.float32))
        write_volume(folder / "labelsTr" / f"{case}.nii.gz", label.astype(np.uint8))
    about = {"labels": dict(names or {"background": 0, "vessel": 1}), "numTraining": len(labels)}
    (folder / "dataset.json").write_text(json.dumps(about))
    return folder


def write_volume(path: Path, array: Any, edges: tuple[float, ...] = (1, 1, 1)) -> Path:
    image = nib.Nifti1Image(np.asarray(array), np.diag([*edges, 1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def vessels(shape: tuple[int, ...], shift: int = 0) -> Any:
    """Return a label with two crossing vessels."""
    label = np.zeros(shape, np.uint8)
    label[4 + shift : 7 + shift] = 1
    label[:, shape[1] // 2 : shape[1] // 2 + 2] = 1
    return label


def write_spec(
    path: Path, data: Path, size: str, *, regime: str = "baseline", more: str = ""
) -> Path:
    path.write_text(
        f"""
[benchmark]
name = "field"
[data.source]
plugin = "nnunet"
path = "{data.as_posix()}"
{more or "split = { train = 1, val = 1, test = 1 }"}
[patches]
size = {size}
per_subject = 20
[segmenter]
plugin = "unet3d"
[regimes]
{regime} = true
[metrics]
segmentation = ["dsc"]
"""
    )
    return path
