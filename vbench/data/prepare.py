"""A subject becomes a prepared volume: normalised, masked, a few files in a folder.

The arrays are read back memory-mapped, so that memory does not grow with the number of subjects.
They are in Fortran order: an axial slice lies in one piece, a block in a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.folder import check_id
from vbench.data.foreground import foreground_mask
from vbench.data.normalise import normalise as to_range
from vbench.errors import DataError
from vbench.files import read_json, write_json, write_npy
from vbench.types import Array, Subject, Volume


def prepare_subject(
    subject: Subject,
    folder: str | Path,
    *,
    normalise: str = "percentile",
    vessel_free: bool = False,
) -> dict[str, Any]:
    """Write a subject as a prepared volume.

    Writes ``image.npy`` (float16, [-1, 1], -1 outside of the mask), ``label.npy`` (uint8),
    ``mask.npy`` (bool), where some voxels are not labelled ``ignore.npy`` (bool), and, last,
    ``volume.json``. A mask that came with the data cuts the label
    too; a derived one does not, since it must not change the truth.

    Args:
        subject: What a data source loaded.
        folder: Where to; made when it is missing.
        normalise: One of :data:`vbench.data.normalise.METHODS`.
        vessel_free: Whether the label may be empty.

    Returns:
        ``shape``, ``spacing`` (mm), ``label_fraction`` (of the mask), ``intensity`` (statistics of
        the raw image within the mask), ``normalise`` (the method and its limits) and ``notes``.

    Raises:
        DataError: When mask or label is empty, the image is constant or not finite, or the id is
            no safe file name.
    """
    check_id(subject.id)
    folder = Path(folder)
    notes = _in_words(subject.notes)
    image = np.asarray(subject.image, dtype=np.float32)
    label = np.asarray(subject.label, dtype=bool)
    if subject.mask is None:
        _check(
            subject, bool(np.isfinite(image).all()), "the image has voxels that are NaN or infinite"
        )
        mask, notes["mask"] = foreground_mask(image)
    else:
        mask = np.asarray(subject.mask, dtype=bool)
        outside = int((label & ~mask).sum())
        if outside:
            notes["label"] = f"{outside} vessel voxels outside of the mask were left out"
            label = label & mask
    ignore = None if subject.ignore is None else np.asarray(subject.ignore, dtype=bool)
    if ignore is not None and ignore.any():
        label = label & ~ignore
        notes["ignore"] = f"{ignore.mean():.1%} of the voxels are not labelled"
    else:
        ignore = None
    _check(subject, mask.any(), "the mask is empty")
    _check(subject, vessel_free or label.any(), "the label has no vessel voxel within the mask")
    inside = image.T[mask.T]
    _check(
        subject, bool(np.isfinite(inside).all()), "the image has voxels that are NaN or infinite"
    )
    try:
        scaled, how = to_range(image, mask, normalise)
    except DataError as error:
        raise DataError(f"subject {subject.id}: {error}") from error

    summary = {
        "shape": list(image.shape),
        "spacing": list(subject.spacing),
        "label_fraction": float((label & mask).sum() / mask.sum()),
        "intensity": intensity(inside),
        "normalise": how,
        "notes": notes,
    }
    affine = np.asarray(subject.affine, dtype=np.float64)
    native = affine if subject.native_affine is None else np.asarray(subject.native_affine)
    write_npy(folder / "image.npy", scaled)
    write_npy(folder / "label.npy", np.asfortranarray(label, dtype=np.uint8))
    write_npy(folder / "mask.npy", np.asfortranarray(mask))
    if ignore is not None:
        write_npy(folder / "ignore.npy", np.asfortranarray(ignore))
    place = {"id": subject.id, "unit": subject.unit, "affine": affine, "native_affine": native}
    write_json(folder / "volume.json", place | summary)
    return summary


def open_volume(folder: str | Path) -> Volume:
    """Open what :func:`prepare_subject` wrote, memory-mapped and read-only.

    Raises:
        DataError: When the folder holds no prepared volume.
    """
    folder = Path(folder)
    try:
        about = read_json(folder / "volume.json")
        image, label, mask = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("image", "label", "mask")
        )
        ignore = None
        if (folder / "ignore.npy").is_file():
            ignore = np.load(folder / "ignore.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: no prepared volume ({error}); prepare it again") from error
    spacing = about["spacing"]
    return Volume(
        id=about["id"],
        image=image,
        label=label,
        mask=mask,
        spacing=(spacing[0], spacing[1], spacing[2]),
        affine=np.array(about["affine"]),
        native_affine=np.array(about["native_affine"]),
        unit=about["unit"],
        normalise=about["normalise"]["method"],
        ignore=ignore,
    )


def intensity(values: Array) -> dict[str, float]:
    """Return statistics of raw intensities: minimum, percentiles, maximum, mean, deviation."""
    names = ("min", "p1", "median", "p99", "max")
    marks = np.percentile(values, [0, 1, 50, 99, 100])
    statistics = {name: float(mark) for name, mark in zip(names, marks, strict=True)}
    statistics["mean"] = float(values.mean(dtype=np.float64))
    statistics["sd"] = float(values.std(dtype=np.float64))
    return statistics


def _in_words(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a reader should know; a phantom's ground truth is long, and left out."""
    return {k: v for k, v in notes.items() if isinstance(v, str | bool | int | float)}


def _check(subject: Subject, sound: Any, message: str) -> None:
    if not sound:
        raise DataError(f"subject {subject.id}: {message}; correct or leave out this subject")
