"""The files of one subject, read together: images, label and mask on one grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vbench.data.label_values import vessel_mask, whole_numbers
from vbench.data.nifti import Image, read_image
from vbench.data.place import SAME_GRID, corner_distance, orientation
from vbench.errors import DataError
from vbench.types import Array, Subject


def read_subject(
    subject: str,
    image: str | Path,
    label: str | Path,
    mask: str | Path | None = None,
    *,
    classes: Sequence[int] | None = None,
    ignore: Sequence[int] = (),
    read: Callable[..., Image] = read_image,
    vessel_free: bool = False,
    others: Sequence[str | Path] = (),
    valued: bool = False,
) -> Subject:
    """Read images, label and mask of one subject, which must lie on the same grid.

    Args:
        subject: Its id.
        image: File of the intensities.
        label: File of whole numbers.
        mask: File that is not 0 within the brain; None when there is none.
        classes: The values of the label that are vessels; all above 0 when None.
        ignore: The values of voxels that nobody labelled.
        read: What reads each file, as :func:`read_image` does.
        vessel_free: Whether the label may be empty.
        others: Files of further channels of the image.
        valued: Whether the subject keeps the label's values.

    Raises:
        DataError: When a file cannot be used, or they do not fit together.
    """
    scan, brain = read_channels(image, others, mask, read=read)
    truth = read(label, integer=True, unit=scan.unit)
    check_same_grid(truth, replace(scan, array=scan.array[0]) if others else scan)
    values = whole_numbers(truth)
    vessel = vessel_mask(values, classes, ignore)
    if not vessel_free and not vessel.any():
        which = "above 0" if classes is None else f"of the classes {list(classes)}"
        raise DataError(f"{label}: no voxel {which}; label the vessels or leave this subject out")
    return Subject(
        id=subject,
        image=scan.array,
        label=vessel,
        mask=brain,
        spacing=scan.spacing,
        affine=scan.affine,
        native_affine=scan.native_affine,
        unit=scan.unit,
        ignore=np.isin(values, list(ignore)) if ignore else None,
        values=values if valued else None,
    )


def read_scan(
    image: str | Path,
    mask: str | Path | None = None,
    *,
    read: Callable[..., Image] | None = None,
) -> tuple[Image, Array | None]:
    """Read an image and its mask, which must lie on the same grid.

    Args:
        image: File of the intensities.
        mask: File that is not 0 within the brain; None when there is none.
        read: What reads each file; :func:`read_image` when None.

    Returns:
        The image, whose voxels are finite (0 outside of a mask where they were not), and the
        mask, bool; None without one.

    Raises:
        DataError: When a file cannot be used, they do not fit together, the mask is empty, or
            voxels within it are not finite.
    """
    read = read or read_image
    scan, brain = read(image), None
    if mask is not None:
        area = read(mask, integer=True, unit=scan.unit)
        check_same_grid(area, scan)
        brain = np.nan_to_num(area.array) != 0
        if not brain.any():
            raise DataError(f"{mask}: the mask is empty; correct it, or leave it out")
    return _finite(scan, brain), brain


def read_channels(
    image: str | Path,
    others: Sequence[str | Path],
    mask: str | Path | None = None,
    *,
    read: Callable[..., Image] | None = None,
) -> tuple[Image, Array | None]:
    """Read the channels of an image, which must lie on one grid, as :func:`read_scan` does.

    Args:
        image: File of the first channel.
        others: Files of the further ones; none: it is :func:`read_scan`.
        mask: As of :func:`read_scan`.
        read: As of :func:`read_scan`.

    Returns:
        The image, whose array is ``(channels, X, Y, Z)`` where there are further ones, and the
        mask.
    """
    scan, brain = read_scan(image, mask, read=read)
    if not others:
        return scan, brain
    channels = [scan.array]
    for path in others:
        further = (read or read_image)(path)
        check_same_grid(further, scan)
        channels.append(_finite(further, brain).array)
    return replace(scan, array=stacked(channels)), brain


def stacked(channels: Sequence[Array]) -> Array:
    """Return channels ``(X, Y, Z)`` as one array ``(channels, X, Y, Z)``, in Fortran order."""
    kind = np.result_type(*channels)
    found = np.empty((len(channels), *channels[0].shape), kind, order="F")
    for index, channel in enumerate(channels):
        found[index] = channel
    return found


def _finite(scan: Image, brain: Array | None) -> Image:
    """Return an image whose voxels are finite: outside of a mask 0 where they were not.

    Raises:
        DataError: When others are not.
    """
    bad = ~np.isfinite(scan.array)
    if brain is not None:
        bad &= brain
    if bad.any():
        raise DataError(
            f"{scan.path}: {int(bad.sum())} voxels are NaN or infinite; correct them, or mask "
            "them out"
        )
    if brain is None:
        return scan
    return replace(scan, array=np.nan_to_num(scan.array, posinf=0, neginf=0))


def check_same_grid(other: Image, image: Image, what: str = "image") -> None:
    """Check that two files have the same voxels.

    Args:
        other: Such as a label, a mask or a prediction.
        image: Whose grid counts.
        what: What that is, for the message.

    Raises:
        DataError: When they do not.
    """
    if other.array.shape != image.array.shape:
        raise DataError(
            f"{other.path}: shape {other.array.shape} (in RAS), the {what} {image.path.name} has "
            f"{image.array.shape}; resample it to the grid of the {what}"
        )
    apart = corner_distance(other.affine, image.affine, image.array.shape)
    if apart > SAME_GRID:
        raise DataError(
            f"{other.path}: its affine places it {apart:.3g} voxels away from the {what} "
            f"{image.path.name}; resample it, or copy the header of the {what} if the voxels match"
        )
    _check_sides(other, image)


def _check_sides(other: Image, image: Image) -> None:
    """Raise DataError when one of two files gives no orientation, and would be read mirrored.

    Without a code in qform and sform, the first axis is read as going from right to left. Where the
    other file says that its goes from left to right, the two are most likely stored alike.
    """
    vague = [each for each in (other, image) if not each.placed]
    if len(vague) == 1 and not np.array_equal(
        orientation(other.path, other.native_affine), orientation(image.path, image.native_affine)
    ):
        raise DataError(
            f"{vague[0].path}: its header does not say how it lies (qform_code and sform_code are "
            f"0), and read as usual it is mirrored against "
            f"{(image if vague[0] is other else other).path.name}; copy the header of the other "
            "if the voxels match"
        )
