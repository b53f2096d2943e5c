"""A subject becomes a prepared volume: normalised, masked, a few files in a folder.

The arrays are read back memory-mapped, so that memory does not grow with the number of subjects.
They are in Fortran order: an axial slice lies in one piece, a block in a few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vbench.data.folder import check_id
from vbench.data.foreground import foreground_mask
from vbench.data.header import MM, VOXEL
from vbench.data.nifti import Image
from vbench.data.normalise import normalise as to_range
from vbench.data.subject_files import stacked
from vbench.errors import DataError
from vbench.files import read_json, read_npy, write_json, write_npy
from vbench.labels import LabelMap
from vbench.types import CHANNELS, LABELS, Array, Subject, Volume


class PreparedScan(NamedTuple):
    """An image as networks see it.

    Attributes:
        image: float16 ``(X, Y, Z)`` in [-1, 1], -1 outside of the mask, in Fortran order; of
            several channels ``(channels, X, Y, Z)``.
        mask: bool ``(X, Y, Z)``.
        derived: How the mask was derived from the image, in words; None: it was given.
        how: The method of normalisation and its limits.
        inside: The raw intensities within the mask, ``(n,)``.
        others: ``how`` and ``inside`` of each further channel.
    """

    image: Array
    mask: Array
    derived: str | None
    how: dict[str, Any]
    inside: Array
    others: tuple[tuple[dict[str, Any], Array], ...] = ()


def prepare_scan(image: Array, mask: Array | None, normalise: str = "percentile") -> PreparedScan:
    """Mask and normalise an image: the one way, whether it has a label or not.

    Each channel is normalised by itself; a mask is derived from the first.

    Args:
        image: ``(X, Y, Z)``, any unit; of several channels ``(channels, X, Y, Z)``.
        mask: Where to look; None: it is derived from the image.
        normalise: One of :data:`vbench.data.normalise.METHODS`.

    Raises:
        DataError: When the mask is empty, or the image within it is constant or not finite.
    """
    if np.ndim(image) == 4:
        first = prepare_scan(image[0], mask, normalise)
        rest = [_further(n, image[n], first.mask, normalise) for n in range(1, len(image))]
        joined = stacked([first.image, *(scan.image for scan in rest)])
        return first._replace(image=joined, others=tuple((s.how, s.inside) for s in rest))
    image, derived = np.asarray(image, dtype=np.float32), None
    if mask is None:
        _check_finite(image)
        mask, derived = foreground_mask(image)
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        raise DataError("the mask is empty")
    inside = image.T[mask.T]
    _check_finite(inside)
    scaled, how = to_range(image, mask, normalise)
    return PreparedScan(scaled, mask, derived, how, inside)


def _further(number: int, channel: Array, mask: Array, normalise: str) -> PreparedScan:
    try:
        return prepare_scan(channel, mask, normalise)
    except DataError as error:
        raise DataError(f"channel {number + 1}: {error}") from error


def scan_volume(
    name: str,
    scan: Image,
    mask: Array | None,
    normalise: str,
    labels: LabelMap | None = None,
    channels: Sequence[str] = CHANNELS,
) -> tuple[Volume, PreparedScan]:
    """Return a scan without a label as a volume to predict, as :func:`prepare_subject` makes one.

    Args:
        name: What to call it.
        scan: The image, as :func:`vbench.data.nifti.read_channels` read it.
        mask: Its mask, bool; None: it is derived.
        normalise: As of :func:`prepare_scan`.
        labels: The classes that are to be found; None: vessel.
        channels: Names of the channels.

    Returns:
        The volume, whose label is 0 everywhere, and how it was prepared.

    Raises:
        DataError: When the image is of no use; names the file.
    """
    try:
        found = prepare_scan(scan.array, mask, normalise)
    except DataError as error:
        raise DataError(f"{scan.path}: {error}; correct the image, or leave it out") from error
    volume = Volume(
        id=name,
        image=found.image,
        label=np.broadcast_to(np.uint8(0), found.mask.shape),
        mask=found.mask,
        spacing=scan.spacing,
        affine=scan.affine,
        native_affine=scan.native_affine,
        unit=scan.unit,
        normalise=normalise,
        labels=LABELS if labels is None else labels.names,
        channels=tuple(channels),
        values=(1,) if labels is None else labels.written,
    )
    return volume, found


def _check_finite(values: Array) -> None:
    if not np.isfinite(values).all():
        raise DataError("the image has voxels that are NaN or infinite")


def prepare_subject(
    subject: Subject,
    folder: str | Path,
    *,
    normalise: str = "percentile",
    vessel_free: bool = False,
    labels: LabelMap | None = None,
    channels: Sequence[str] = CHANNELS,
) -> dict[str, Any]:
    """Write a subject as a prepared volume.

    Writes ``image.npy`` (float16, [-1, 1], -1 outside of the mask), ``label.npy``
    (uint8, the index of the class), ``mask.npy`` (bool), where some voxels are not
    labelled ``ignore.npy`` (bool), and, last, ``volume.json``. A mask that came with the data cuts
    the label too; a derived one does not, since it must not change the truth.

    Args:
        subject: What a data source loaded.
        folder: Where to; made when it is missing.
        normalise: One of :data:`vbench.data.normalise.METHODS`.
        vessel_free: Whether the label may be empty.
        labels: The classes of the label; None: it is vessel or not.
        channels: Names of the channels of the image.

    Returns:
        ``shape``, ``spacing`` (mm), ``label_fraction`` (of the mask), ``intensity`` (statistics of
        the raw image within the mask), ``normalise`` (the method and its limits) and ``notes``;
        with several classes ``classes`` (the share of the mask of each), with several channels
        ``others`` (intensity and normalisation of each further one); ``unit``, ``voxel``, where the
        size of a voxel is not known.

    Raises:
        DataError: When a value of the label has no class, mask or label is empty, the
            image is constant or not finite, the unit is not known, or the id is no safe file name.
    """
    check_id(subject.id)
    if subject.unit not in MM:
        raise DataError(
            f"subject {subject.id}: unit {subject.unit!r}, expected one of {', '.join(MM)}; mend "
            "the data source that loads it"
        )
    folder = Path(folder)
    notes = _in_words(subject.notes)
    label, unlabelled = _indexed(subject, labels)
    try:
        scan = prepare_scan(subject.image, subject.mask, normalise)
    except DataError as error:
        raise DataError(
            f"subject {subject.id}: {error}; correct or leave out this subject"
        ) from error
    mask = scan.mask
    if scan.derived is not None:
        notes["mask"] = scan.derived
    elif (outside := int(((label > 0) & ~mask).sum())) > 0:
        notes["label"] = f"{outside} vessel voxels outside of the mask were left out"
        label = label * mask
    ignore = unlabelled
    if ignore is not None and ignore.any():
        label = label * ~ignore
        notes["ignore"] = f"{ignore.mean():.1%} of the voxels are not labelled"
    else:
        ignore = None
    if not vessel_free and not label.any():
        raise DataError(
            f"subject {subject.id}: the label has no vessel voxel within the mask; "
            "correct or leave out this subject"
        )

    summary = {
        "shape": list(mask.shape),
        "spacing": list(subject.spacing),
        "label_fraction": float(((label > 0) & mask).sum() / mask.sum()),
        "intensity": intensity(scan.inside),
        "normalise": scan.how,
        "notes": notes,
    }
    if subject.unit == VOXEL:
        summary["unit"] = VOXEL
    names = LABELS if labels is None else labels.names
    if len(names) > 1:
        counts = np.bincount(label[mask], minlength=len(names) + 1) / mask.sum()
        summary["classes"] = {name: float(counts[i]) for i, name in enumerate(names, start=1)}
    if len(channels) > 1:
        summary["others"] = {
            name: {"intensity": intensity(inside), "normalise": how}
            for name, (how, inside) in zip(channels[1:], scan.others, strict=True)
        }
    affine = np.asarray(subject.affine, dtype=np.float64)
    native = affine if subject.native_affine is None else np.asarray(subject.native_affine)
    write_npy(folder / "image.npy", scan.image)
    write_npy(folder / "label.npy", np.asfortranarray(label, dtype=np.uint8))
    write_npy(folder / "mask.npy", np.asfortranarray(mask))
    if ignore is not None:
        write_npy(folder / "ignore.npy", np.asfortranarray(ignore))
    place = {"id": subject.id, "unit": subject.unit, "affine": affine, "native_affine": native}
    if labels is not None:
        place |= {"labels": labels.names, "values": labels.written}
    if tuple(channels) != CHANNELS:
        place["channels"] = tuple(channels)
    write_json(folder / "volume.json", place | summary)
    return summary


def _indexed(subject: Subject, labels: LabelMap | None) -> tuple[Array, Array | None]:
    """Return the class of each voxel, uint8, and which voxels nobody labelled.

    Raises:
        DataError: When a value of the label has no class.
    """
    given = subject.ignore
    ignore = None if given is None else np.asarray(given, dtype=bool)
    values = np.asarray(subject.label if subject.values is None else subject.values)
    if labels is None or values.dtype.kind not in "iu":
        return np.asarray(subject.label, dtype=bool).astype(np.uint8), ignore
    try:
        index, more = labels.index(values if ignore is None else np.where(ignore, 0, values))
    except ValueError as error:
        raise DataError(f"subject {subject.id}: {error}") from error
    both = [part for part in (ignore, more) if part is not None]
    return index, np.logical_or.reduce(both) if both else None


def open_volume(folder: str | Path) -> Volume:
    """Open what :func:`prepare_subject` wrote, memory-mapped and read-only.

    Raises:
        DataError: When the folder holds no prepared volume.
    """
    folder = Path(folder)
    try:
        about = read_json(folder / "volume.json")
        image, label, mask = (
            read_npy(folder / f"{name}.npy") for name in ("image", "label", "mask")
        )
        ignore = None
        if (folder / "ignore.npy").is_file():
            ignore = read_npy(folder / "ignore.npy")
        spacing = about["spacing"]
        volume = Volume(
            id=about["id"],
            image=image,
            label=label,
            mask=mask,
            spacing=(spacing[0], spacing[1], spacing[2]),
            affine=np.array(about["affine"], np.float64),
            native_affine=np.array(about["native_affine"], np.float64),
            unit=about["unit"],
            normalise=about["normalise"]["method"],
            ignore=ignore,
            labels=tuple(about.get("labels", LABELS)),
            channels=tuple(about.get("channels", CHANNELS)),
            values=tuple(about.get("values", (1,))),
        )
        _check_whole(volume)
        return volume
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{folder}: no prepared volume ({error}); prepare it again") from error


def _check_whole(volume: Volume) -> None:
    """Raise ValueError when the parts of a prepared volume do not fit together."""
    grid = volume.image.shape[-3:]
    several = (len(volume.channels),) if len(volume.channels) > 1 else ()
    if len(grid) != 3 or not all(grid) or volume.image.shape != (*several, *grid):
        raise ValueError(f"an image {volume.image.shape} of {len(volume.channels)} channels")
    for name in ("label", "mask", "ignore"):
        part = getattr(volume, name)
        if part is not None and (part.shape != grid or part.dtype.kind not in "biu"):
            raise ValueError(f"{name}: an array {part.shape} of {part.dtype} to an image {grid}")
    if volume.image.dtype.kind != "f" or len(volume.labels) != len(volume.values):
        raise ValueError(f"an image of {volume.image.dtype}, {len(volume.labels)} classes")
    numbers = [np.asarray(volume.spacing, np.float64), volume.affine, volume.native_affine]
    if [part.shape for part in numbers] != [(3,), (4, 4), (4, 4)] or not all(
        np.isfinite(part).all() for part in numbers
    ):
        raise ValueError("no spacing of three edges, or no affine of 4 × 4 numbers")


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
