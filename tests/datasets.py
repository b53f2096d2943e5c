"""Small subjects and data sets on disk, sound unless a test breaks them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from vbench.types import Subject, Volume

SHAPE = (20, 18, 12)
AFFINE = np.array([[0.5, 0, 0, -4], [0, 0.6, 0, 3], [0, 0, 0.8, 7], [0, 0, 0, 1.0]])
Array = npt.NDArray[Any]


def scene(seed: int = 0, shape: Sequence[int] = SHAPE) -> tuple[Array, Array, Array]:
    """Return image, vessels and mask: a bright, lopsided vessel in noise within a box."""
    rng = np.random.default_rng(seed)
    vessel = np.zeros(shape, dtype=bool)
    x, y = shape[0] // 4, shape[1] // 3
    vessel[x : x + 2, y : y + 3, 1:-2] = True
    vessel[x : shape[0] - 4, y, 2 + seed % 3] = True
    vessel[x : x + 3 + seed % 5, y + 2, -4] = True
    mask = np.zeros(shape, dtype=bool)
    mask[2:-2, 2:-2, :] = True
    image = rng.normal(100, 10, shape)
    image[vessel] += 150
    image[~mask] = 0
    return image.astype(np.float32), vessel, mask


def subject(seed: int = 0, shape: Sequence[int] = SHAPE, **other: Any) -> Subject:
    image, vessel, mask = scene(seed, shape)
    values: dict[str, Any] = {
        "id": f"case{seed}",
        "image": image,
        "label": vessel,
        "mask": mask,
        "spacing": (0.5, 0.6, 0.8),
        "affine": AFFINE,
    }
    return Subject(**{**values, **other})


def volume(seed: int = 0, shape: Sequence[int] = SHAPE, **other: Any) -> Volume:
    """Return a prepared volume in memory; each voxel's image value tells where it is."""
    _, vessel, mask = scene(seed, shape)
    place = np.arange(int(np.prod(shape))).reshape(shape) / np.prod(shape)
    values: dict[str, Any] = {
        "id": f"case{seed}",
        "image": np.where(mask, place, -1).astype(np.float16),
        "label": vessel.astype(np.uint8),
        "mask": mask,
        "spacing": (0.5, 0.6, 0.8),
        "affine": AFFINE,
        "native_affine": AFFINE,
    }
    return Volume(**{**values, **other})


def save(path: Path, array: Array, affine: Array = AFFINE, *, unit: str = "mm") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array.astype(np.uint8) if array.dtype == bool else array, affine)
    image.header.set_xyzt_units(unit)
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    nib.save(image, path)
    return path


def nnunet(folder: Path, n: int = 2) -> Path:
    """Write a sound data set of the nnU-Net layout with brain masks."""
    for i in range(n):
        image, vessel, mask = scene(i)
        save(folder / "imagesTr" / f"case{i}_0000.nii.gz", image)
        save(folder / "labelsTr" / f"case{i}.nii.gz", vessel)
        save(folder / "masksTr" / f"case{i}.nii.gz", mask)
    about = {
        "channel_names": {"0": "TOF-MRA"},
        "labels": {"background": 0, "vessel": 1},
        "numTraining": n,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(about))
    return folder


def bids(folder: Path, n: int = 2) -> Path:
    """Write a sound data set of the BIDS layout with brain masks."""
    for i in range(n):
        image, vessel, mask = scene(i)
        name = f"sub-{i:02d}"
        derived = folder / "derivatives" / "manual" / name / "anat"
        save(folder / name / "anat" / f"{name}_angio.nii.gz", image)
        save(derived / f"{name}_label-vessel_mask.nii.gz", vessel)
        save(derived / f"{name}_desc-brain_mask.nii.gz", mask)
    (folder / "dataset_description.json").write_text('{"Name": "t", "BIDSVersion": "1.9.0"}')
    return folder


def manifest(folder: Path, n: int = 2) -> Path:
    """Write a sound data set with a manifest, the labels in another folder; return the CSV file."""
    rows = ["subject,image,label,mask"]
    for i in range(n):
        image, vessel, mask = scene(i)
        save(folder / f"{i}.nii", image)
        label = save(folder / "elsewhere" / f"{i}.nii.gz", vessel)
        save(folder / f"{i}-mask.nii.gz", mask)
        rows.append(f"case{i},{i}.nii,{label.resolve()},{i}-mask.nii.gz")
    file = folder / "manifest.csv"
    file.write_text("\n".join(rows) + "\n")
    return file
