"""NIfTI files as they come, and back: any orientation, type, scale and unit become RAS and mm.

Nothing is guessed about a file that cannot be read as it says: the error names the file, what was
expected and the fix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.header import (
    MM,
    Header,
    check_file,
    check_length,
    damaged,
    parse,
    wrong_length,
)
from vbench.data.place import SAME_GRID as SAME_GRID
from vbench.data.place import affine_of, check_plausible, orientation
from vbench.data.place import corner_distance as corner_distance
from vbench.data.unpack import Reader
from vbench.errors import DataError
from vbench.files import atomic_write
from vbench.masks.lengths import exact
from vbench.types import Array, Subject, Volume


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
        return int(self.header["xyzt_units"]) & 7 != 0

    @property
    def placed(self) -> bool:
        """Whether the header gives the volume's orientation, by a qform or an sform."""
        return bool(self.header["qform_code"] or self.header["sform_code"])


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
    path = Path(path)
    header, native, array = _voxels(path)
    scaled = _scaled(array, header, integer)
    return oriented(path, scaled, native, header.unit or unit, header.raw)


def oriented(path: Path, array: Array, native: Array, unit: str, header: Any) -> Image:
    """Return voxels, as they are stored, in RAS+ orientation and mm.

    Args:
        path: The file, for messages.
        array: As stored, three axes.
        native: Affine of the file, in ``unit``.
        unit: ``mm``, ``micron`` or ``meter``.
        header: nibabel's header.

    Raises:
        DataError: When there is no usable spacing.
    """
    from nibabel.orientations import apply_orientation, inv_ornt_aff

    axes = orientation(path, native)
    turned = native @ inv_ornt_aff(axes, array.shape)
    affine = np.diag([*(MM[unit],) * 3, 1.0]) @ turned
    spacing = [exact(edge) * MM[unit] for edge in np.linalg.norm(turned[:3, :3], axis=0)]
    check_plausible(path, spacing)
    return Image(
        path=path,
        array=apply_orientation(array, axes),
        spacing=(spacing[0], spacing[1], spacing[2]),
        affine=affine,
        native_affine=native,
        unit=unit,
        header=header,
    )


def _voxels(path: Path) -> tuple[Header, Array, Array]:
    """Read header, affine, and voxels as they are stored, to the very end of the file."""
    size = check_file(path)
    try:
        with path.open("rb") as file:
            reader = Reader(file)
            header = parse(path, reader.take)
            check_length(path, header, size)
            affine = affine_of(path, header.raw, header.shape)
            data = np.empty(header.nbytes, dtype=np.uint8)
            skipped = header.size + reader.skip(header.offset - header.size)
            found = skipped + reader.fill(data.data)
            if found < header.offset + header.nbytes:
                raise wrong_length(path, header, f"it holds {found}")
            if not reader.ended():
                raise wrong_length(path, header, "it holds more")
    except (ValueError, OSError) as error:
        raise damaged(path, error) from error
    except MemoryError as error:
        raise DataError(f"{path}: {header.shape} voxels do not fit into memory; crop it") from error
    return header, affine, np.ndarray(header.shape, header.kind, data, order="F")


def _scaled(array: Array, header: Header, integer: bool) -> Array:
    """Return the values that the stored numbers stand for."""
    # What is too large for float32 becomes infinite, and is said where that matters.
    with np.errstate(over="ignore", invalid="ignore"):
        if (header.slope, header.inter) != (1.0, 0.0):
            array = array * np.float64(header.slope) + np.float64(header.inter)
        as_stored = integer and array.dtype.kind in "iuf"
        kind = array.dtype.newbyteorder("=") if as_stored else np.float32
        return array.astype(kind, copy=False)


def ras_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape that :func:`read_image` would give a volume, from its header alone.

    Raises:
        DataError: When the header cannot be used.
    """
    return ras_grid(path)[0]


def ras_grid(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Return the shape and the spacing in mm that :func:`read_image` would give a volume.

    Raises:
        DataError: When the header cannot be used.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            header = parse(path, Reader(file).take)
    except (ValueError, OSError) as error:
        raise damaged(path, error) from error
    affine = affine_of(path, header.raw, header.shape)
    axes = orientation(path, affine)
    edges = np.linalg.norm(affine[:3, :3], axis=0) * MM[header.unit or "mm"]
    turned = {
        int(axis): (int(n), float(edge))
        for axis, n, edge in zip(axes[:, 0], header.shape, edges, strict=True)
    }
    (a, x), (b, y), (c, z) = (turned[axis] for axis in range(3))
    return (a, b, c), (x, y, z)


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


def stacked(channels: Sequence[Array]) -> Array:
    """Return channels ``(X, Y, Z)`` as one array ``(channels, X, Y, Z)``, in Fortran order."""
    kind = np.result_type(*channels)
    found = np.empty((len(channels), *channels[0].shape), kind, order="F")
    for index, channel in enumerate(channels):
        found[index] = channel
    return found


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


def whole_numbers(label: Image) -> Array:
    """Return a label's values as integers, signed ones as int32 where they fit.

    Raises:
        DataError: When they are not whole numbers of 0 and above.
    """
    values = label.array
    if values.dtype.kind == "b" or (values.dtype.kind == "u" and values.dtype.itemsize < 8):
        return values
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            rounded = np.rint(values)
            # Scaled integers (255 × 1/255) are whole but for rounding.
            wrong = ~(np.abs(values - rounded) < 1e-3)
        if wrong.any():
            raise DataError(
                f"{label.path}: {int(wrong.sum())} voxels of the label are not whole numbers "
                f"(such as {values[wrong][0]:g}); resample labels with nearest neighbours, and "
                "threshold probabilities"
            )
        # Beyond this, neighbouring whole numbers are one and the same floating-point number.
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        if np.abs(rounded).max(initial=0) > exact:
            raise DataError(
                f"{label.path}: the label has values above {exact:.0f}, which {values.dtype} "
                "cannot tell apart; write it as integers"
            )
        values = rounded
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0:
        below = values < 0
        count, first = int(below.sum()), ", ".join(map(str, np.argwhere(below)[0]))
        raise DataError(
            f"{label.path}: the label has negative values: {count} "
            f"voxel{'' if count == 1 else 's'}, down to {low}, the first at ({first}); a label is "
            "0 where there is no vessel, and above 0 where one is"
        )
    if high >= 2**63:
        raise DataError(f"{label.path}: the label has the value {high}; number below 2**63")
    return values.astype(np.int32 if high < 2**31 else np.int64, copy=False)


def vessel_mask(values: Array, classes: Sequence[int] | None, ignore: Sequence[int] = ()) -> Array:
    """Return where a label is vessel: one of ``classes``, or all above 0 but ``ignore``."""
    vessel = np.asarray(values > 0 if classes is None else np.isin(values, list(classes)))
    return vessel & ~np.isin(values, list(ignore)) if ignore else vessel


def write_volume(path: str | Path, array: Array, affine: Array, *, unit: str = "mm") -> None:
    """Write an array as it is, atomically, with this affine in both the sform and the qform.

    Args:
        path: Ends with ``.nii`` or ``.nii.gz``.
        array: ``(X, Y, Z)``; bool becomes uint8, float becomes float32, and integers of 64 bits
            become int32 where they fit.
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
        small = not array.size or (array.min() >= -(2**31) and array.max() < 2**31)
        array = array.astype(np.int32 if small else array.dtype.newbyteorder("="))
    image = nib.Nifti1Image(array, affine, dtype=array.dtype)
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
    from nibabel.orientations import apply_orientation, ornt_transform

    there = orientation(Path(path), np.asarray(volume.native_affine))
    ras = np.array([[0, 1], [1, 1], [2, 1]])
    native = apply_orientation(np.asarray(array), ornt_transform(ras, there))
    write_volume(path, native, np.asarray(volume.native_affine), unit=volume.unit)
