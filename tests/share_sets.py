"""Synthetic, training and held-out sets in folders, in the forms that people keep them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from datasets import save, scene

from vbench.layout import image_of, label_of
from vbench.types import Patches

Array = Any


def arrays(
    folder: Path,
    patches: Patches,
    *,
    change: Callable[[Array], Array] = lambda images: images,
    names: Callable[[int], str] | None = None,
    labelled: bool = True,
) -> Path:
    """Write patches as ``images.npy``, ``labels.npy`` and, with names, ``subjects.npy``."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = patches.take(np.arange(len(patches)))
    np.save(folder / "images.npy", change(image_of(whole)))
    if labelled:
        np.save(folder / "labels.npy", label_of(whole).astype(np.uint8))
    if names is not None:
        np.save(folder / "subjects.npy", [names(int(i)) for i in patches.subject_index])
    return folder


def by_person(folder: Path, patches: Patches) -> Path:
    """Write a sub-folder with arrays for each patient."""
    whole = patches.take(np.arange(len(patches)))
    for person in np.unique(patches.subject_index):
        own = whole[patches.subject_index == person]
        place = folder / f"person {person}"
        place.mkdir(parents=True)
        np.save(place / "images.npy", image_of(own))
        np.save(place / "labels.npy", label_of(own) > 0)
    return folder


def scans(folder: Path, patches: Patches, n: int) -> Path:
    """Write the first ``n`` patches as NIfTI files in nnU-Net layout, ``person_patch``."""
    for i, patch in enumerate(patches.take(np.arange(n))):
        name = f"p{patches.subject_index[i]}_{i:04d}"
        image, label = image_of(patch[None])[0], label_of(patch[None])[0]
        solid = image.shape if image.ndim == 3 else (*image.shape, 1)
        save(folder / "imagesTr" / f"{name}_0000.nii", (image * 300 + 500).reshape(solid))
        save(folder / "labelsTr" / f"{name}.nii", (label > 0).reshape(solid))
    return folder


def pairs(folder: Path, n: int = 2, *, empty: int | None = None) -> Path:
    """Write whole volumes as ``images/`` and ``labels/``; one of them without a vessel."""
    for i in range(n):
        image, vessel, _ = scene(i)
        save(folder / "images" / f"case{i}.nii", image)
        save(folder / "labels" / f"case{i}.nii", vessel & (i != empty))
    return folder
