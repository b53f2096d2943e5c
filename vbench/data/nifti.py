"""NIfTI files as they come, and back: any orientation, type, scale and unit become RAS and mm.

Nothing is guessed about a file that cannot be read as it says: the error names the file, what was
expected and the mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.header import MM, damaged, orientation, read_header
from vbench.errors import DataError
from vbench.files import atomic_write
from vbench.lengths import exact
from vbench.types import Array, Subject, Volume

#: Two files share a grid when no corner of theirs is further apart than this many voxels.
SAME_GRID = 0.5


@dataclass(frozen=True)
class Image:
    """One NIfTI volume in RAS+ orientation.

    Attributes:
        path: The file.
        array: Voxels ``(X, Y, Z)``; scale and offset of the header are applied.
        spacing: Voxel edge lengths in mm.
        affine: Voxel to world in mm, of ``array``.
        native_affine: Affine of the file, in its own unit and orientation.
        unit: ``mm``, ``micron`` or ``meter``.
        header: nibabel's header, as it stands in the file.
    """

    path: Path
    array: Array
    spacing: tuple[float, float, float]
    affine: Array
    native_affine: Array
    unit: str
    header: Any

    @property
    def unit_given(self) -> bool:
        """Whether the header names the unit; mm is assumed when it does not."""
        return self.header.get_xyzt_units()[0] in MM


def read_image(path: str | Path, *, integer: bool = False, unit: str = "mm") -> Image:
    """Read one volume.

    Args:
        path: ``.nii`` or ``.nii.gz``, three axes; further axes of length one are dropped.
        integer: For labels: keep an integer type, instead of float32.
        unit: What to assume when the header names no spatial unit.

    Raises:
        DataError: When the file is missing, damaged, not NIfTI, not a single volume, or has no
            usable spacing.
    """
    import nibabel as nib
    from nibabel.orientations import apply_orientation, inv_ornt_aff

    path = Path(path)
    header = read_header(path)
    try:
        image = nib.load(path)
        array = np.asanyarray(image.dataobj)
    # Damage shows as errors of many kinds: zlib's, nibabel's, numpy's, of memory.
    except Exception as error:
        raise damaged(path, error) from error
    array = array.reshape(array.shape[:3] + (1,) * (3 - array.ndim))
    array = array if integer and array.dtype.kind in "iub" else array.astype(np.float32)

    native = np.asarray(image.affine, dtype=np.float64)
    axes = orientation(path, native)
    given = header.get_xyzt_units()[0]
    unit = given if given in MM else unit
    turned = native @ inv_ornt_aff(axes, array.shape)
    affine = np.diag([*(MM[unit],) * 3, 1.0]) @ turned
    spacing = [exact(edge) * MM[unit] for edge in np.linalg.norm(turned[:3, :3], axis=0)]
    return Image(
        path=path,
        array=apply_orientation(array, axes),
        spacing=(spacing[0], spacing[1], spacing[2]),
        affine=affine,
        native_affine=native,
        unit=unit,
        header=header,
    )


def ras_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape that :func:`read_image` would give a volume, from its header alone.

    Raises:
        DataError: When the header cannot be used.
    """
    header = read_header(path)
    shape = (*header.get_data_shape()[:3], 1, 1)[:3]
    axes = orientation(path, np.asarray(header.get_best_affine(), dtype=np.float64))
    turned = {int(axis): int(n) for axis, n in zip(axes[:, 0], shape, strict=True)}
    return turned[0], turned[1], turned[2]


def read_subject(
    subject: str,
    image: str | Path,
    label: str | Path,
    mask: str | Path | None = None,
    *,
    classes: Sequence[int] | None = None,
    ignore: int | None = None,
) -> Subject:
    """Read image, label and mask of one subject, which must lie on the same grid.

    Args:
        subject: Its id.
        image: File of the intensities.
        label: File of whole numbers.
        mask: File that is not 0 within the brain; None when there is none.
        classes: The values of the label that are vessels; all above 0 when None.
        ignore: The value of voxels that nobody labelled; None: there are none.

    Raises:
        DataError: When a file cannot be used, or they do not fit together.
    """
    scan = read_image(image)
    truth = read_image(label, integer=True, unit=scan.unit)
    check_same_grid(truth, scan)
    values = whole_numbers(truth)
    vessel = vessel_mask(values, classes, ignore)
    if not vessel.any():
        which = "above 0" if classes is None else f"of the classes {list(classes)}"
        raise DataError(f"{label}: no voxel {which}; label the vessels or leave this subject out")
    brain = None
    if mask is not None:
        area = read_image(mask, integer=True, unit=scan.unit)
        check_same_grid(area, scan)
        brain = np.nan_to_num(area.array) != 0
        if not brain.any():
            raise DataError(f"{mask}: the mask is empty; correct it, or leave it out")
    bad = ~np.isfinite(scan.array)
    if brain is not None:
        bad &= brain
    if bad.any():
        raise DataError(
            f"{image}: {int(bad.sum())} voxels are NaN or infinite; correct them, or mask them out"
        )
    return Subject(
        id=subject,
        image=scan.array if brain is None else np.nan_to_num(scan.array, posinf=0, neginf=0),
        label=vessel,
        mask=brain,
        spacing=scan.spacing,
        affine=scan.affine,
        native_affine=scan.native_affine,
        unit=scan.unit,
        ignore=None if ignore is None else values == ignore,
    )


def check_same_grid(other: Image, image: Image) -> None:
    """Raise DataError when the voxels of a label or mask are not those of the image."""
    if other.array.shape != image.array.shape:
        raise DataError(
            f"{other.path}: shape {other.array.shape} (in RAS), the image {image.path.name} has "
            f"{image.array.shape}; resample it to the grid of the image"
        )
    apart = corner_distance(other.affine, image.affine, image.array.shape)
    if apart > SAME_GRID:
        raise DataError(
            f"{other.path}: its affine places it {apart:.3g} voxels away from the image "
            f"{image.path.name}; resample it, or copy the header of the image if the voxels match"
        )


def corner_distance(a: Array, b: Array, shape: Sequence[int]) -> float:
    """Return how far the corners of two grids of one shape are apart at most, in voxels of b."""
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    moved = np.linalg.inv(b) @ a @ corners
    return float(np.abs(moved - corners).max())


def whole_numbers(label: Image) -> Array:
    """Return a label's values as integers.

    Raises:
        DataError: When they are not whole numbers of 0 and above.
    """
    values = label.array
    if values.dtype.kind in "ub":
        return values
    rounded = np.rint(np.nan_to_num(values, nan=-1, posinf=-1, neginf=-1))
    # Scaled integers (255 × 1/255) are whole but for rounding.
    wrong = ~(np.abs(values - rounded) < 1e-3)
    if wrong.any():
        raise DataError(
            f"{label.path}: {int(wrong.sum())} voxels of the label are not whole numbers "
            f"(such as {values[wrong][0]:g}); resample labels with nearest neighbours"
        )
    if rounded.min() < 0:
        raise DataError(f"{label.path}: the label has negative values; use 0 for no vessel")
    return rounded.astype(np.int32)


def vessel_mask(values: Array, classes: Sequence[int] | None, ignore: int | None = None) -> Array:
    """Return where a label is vessel: one of ``classes``, or all above 0 but ``ignore``."""
    vessel = np.asarray(values > 0 if classes is None else np.isin(values, list(classes)))
    return vessel if ignore is None else vessel & (values != ignore)


def write_volume(path: str | Path, array: Array, affine: Array, *, unit: str = "mm") -> None:
    """Write an array as it is, atomically, with this affine in both the sform and the qform.

    Args:
        path: Ends with ``.nii`` or ``.nii.gz``.
        array: ``(X, Y, Z)``; bool becomes uint8, float becomes float32.
        affine: Voxel to world, in ``unit``.
        unit: ``mm``, ``micron`` or ``meter``.
    """
    import nibabel as nib

    array = np.asarray(array)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif array.dtype.kind == "f":
        array = array.astype(np.float32)
    elif array.dtype.itemsize > 4:
        array = array.astype(np.int32)
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units(unit, "sec")
    image.set_qform(affine, code=1)
    # A qform holds no shear; readers that prefer it would misplace a sheared volume.
    if not np.allclose(image.get_qform(), affine, atol=1e-4 * np.abs(affine).max()):
        image.set_qform(None, code=0)
    image.set_sform(affine, code=1)
    with atomic_write(path) as temporary:
        nib.save(image, temporary)


def write_like_native(path: str | Path, array: Array, volume: Volume) -> None:
    """Write a prediction so that it overlays the file that its subject was read from.

    Args:
        path: Ends with ``.nii`` or ``.nii.gz``.
        array: ``(X, Y, Z)`` in RAS+, as ``volume.image``.
        volume: Gives the native affine, from which the native orientation follows, and the unit.
    """
    from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

    there = io_orientation(volume.native_affine)
    ras = np.array([[0, 1], [1, 1], [2, 1]])
    native = apply_orientation(np.asarray(array), ornt_transform(ras, there))
    write_volume(path, native, np.asarray(volume.native_affine), unit=volume.unit)
