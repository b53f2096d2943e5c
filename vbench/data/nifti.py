"""NIfTI files as they come, and back: any orientation, type, scale and unit become RAS and mm.

Nothing is guessed about a file that cannot be read as it says: the error names the file, what was
expected and the fix.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.header import (
    MM,
    VOXEL,
    Header,
    check_file,
    check_length,
    damaged,
    parse,
    wrong_length,
)
from vbench.data.place import affine_of, check_plausible, orientation
from vbench.data.unpack import Reader
from vbench.errors import DataError
from vbench.files import atomic_write
from vbench.masks.lengths import exact
from vbench.types import Array, Volume


@dataclass(frozen=True)
class Image:
    """One NIfTI volume in RAS+ orientation.

    Attributes:
        path: The file.
        array: Voxels ``(X, Y, Z)``; scale and offset of the header are applied.
        spacing: Voxel edge lengths in mm.
        affine: Voxel to world in mm, of ``array``.
        native_affine: Affine of the file, in its own unit and orientation.
        unit: ``mm``, ``micron`` or ``meter``; ``voxel`` where nothing says how large one is.
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
        unit: ``mm``, ``micron``, ``meter`` or ``voxel``.
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


def oriented_in_mm(path: Path, array: Array, native: Array, *, measured: bool = True) -> Image:
    """Return the voxels of a file of another kind, whose affine is in mm, as :func:`oriented`.

    Args:
        path: The file, for messages.
        array: As stored, three axes.
        native: Affine of the file.
        measured: Whether that is the size of a voxel; else nothing says how large one is.

    Raises:
        DataError: When there is no usable spacing.
    """
    import nibabel as nib

    header = nib.Nifti1Header()
    header.set_xyzt_units("mm")
    header["sform_code"] = 1
    return oriented(path, array, native, "mm" if measured else VOXEL, header)


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
    found = read_grid(path)
    return found.array.shape, found.spacing


def read_grid(path: Path, *, unit: str = "mm") -> Image:
    """Return a volume as :func:`read_image` does, from its header alone: all its voxels are 0.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        unit: What to assume when the header names no spatial unit.

    Raises:
        DataError: When the header cannot be used.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            header = parse(path, Reader(file).take)
    except (ValueError, OSError) as error:
        raise damaged(path, error) from error
    native = affine_of(path, header.raw, header.shape)
    none = np.broadcast_to(np.uint8(0), header.shape)  # one byte in memory
    return oriented(path, none, native, header.unit or unit, header.raw)


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


def write_volume(path: str | Path, array: Array, affine: Array, *, unit: str = "mm") -> None:
    """Write an array as it is, atomically, with this affine in both the sform and the qform.

    Args:
        path: Ends with ``.nii`` or ``.nii.gz``.
        array: ``(X, Y, Z)``; bool becomes uint8, float becomes float32, and integers of 64 bits
            become int32 where they fit.
        affine: Voxel to world, in ``unit``.
        unit: ``mm``, ``micron`` or ``meter``; of ``voxel`` the header names none.
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
    image.header.set_xyzt_units("unknown" if unit == VOXEL else unit, "sec")
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
