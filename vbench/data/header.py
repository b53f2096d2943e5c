"""What the header of a NIfTI file says, and whether it can be used, before any voxel is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.errors import DataError
from vbench.types import Array

#: What one spatial unit of a NIfTI header is in mm.
MM = {"mm": 1.0, "micron": 1e-3, "meter": 1e3}
#: How the file of a volume may end.
SUFFIXES = (".nii.gz", ".nii")


def stem(path: Path) -> str:
    """Return a NIfTI file's name without ``.nii`` or ``.nii.gz``."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def read_header(path: Path) -> Any:
    """Read the header as it stands in the file: nibabel mends some faults silently on load.

    Returns:
        A nibabel header of a single volume with positive spacing.

    Raises:
        DataError: When the file is missing, damaged, not NIfTI, not a single volume of real
            numbers, or has no usable spacing.
    """
    import nibabel as nib
    from nibabel.openers import ImageOpener

    _check_name(path)
    try:
        with ImageOpener(path) as file:
            sizes = _either_endian(file.read(4))
            file.seek(0)
            if not {348, 540} & set(sizes):
                raise DataError(f"{path}: not a NIfTI file; convert it to NIfTI")
            kind = nib.Nifti2Header if 540 in sizes else nib.Nifti1Header
            header = kind.from_fileobj(file, check=False)
    except DataError:
        raise
    # Damage shows as errors of many kinds: zlib's, nibabel's, numpy's.
    except Exception as error:
        raise damaged(path, error) from error
    _check_volume(path, header)
    return header


def orientation(path: Path, affine: Array) -> Array:
    """Return nibabel's orientation of an affine.

    Raises:
        DataError: When the affine has no three independent axes.
    """
    from nibabel.orientations import io_orientation

    edges = np.linalg.norm(affine[:3, :3], axis=0)
    usable = np.all(np.isfinite(affine)) and np.all(edges > 0)
    if usable and abs(np.linalg.det(affine[:3, :3] / edges)) > 1e-3:
        return np.asarray(io_orientation(affine))
    raise DataError(
        f"{path}: the affine {affine[:3].tolist()} has no three independent axes; "
        "correct the sform or qform of the header"
    )


def damaged(path: Path, error: BaseException) -> DataError:
    """Return the error of a file that cannot be decoded."""
    why = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path}: the file is damaged or cut short ({why}); copy or download it again")


def _check_name(path: Path) -> None:
    """Raise DataError when the file is missing, empty, or not what its name says."""
    if not path.name.endswith(SUFFIXES):
        raise DataError(f"{path}: not a .nii or .nii.gz file; convert it to NIfTI")
    try:
        with path.open("rb") as file:
            first = file.read(64)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; check the path and the permissions") from error
    zipped = first[:2] == b"\x1f\x8b"
    if not first:
        raise DataError(f"{path}: the file is empty (0 bytes); copy or download it again")
    if first.startswith(b"version https://git-lfs"):
        raise DataError(f"{path}: a Git LFS pointer, not the volume; run 'git lfs pull'")
    if zipped and not path.name.endswith(".gz"):
        raise DataError(f"{path}: compressed, though its name says not; rename it to .nii.gz")
    if not zipped and path.name.endswith(".gz"):
        raise DataError(f"{path}: not compressed, though its name says so; rename it to .nii")


def _check_volume(path: Path, header: Any) -> None:
    """Raise DataError when the header describes no single volume with a usable spacing."""
    from nibabel.spatialimages import HeaderDataError

    try:
        shape = tuple(int(n) for n in header.get_data_shape())
        kind = header.get_data_dtype()
    except HeaderDataError as error:
        raise DataError(f"{path}: {error}; export the file again") from error
    if len(shape) < 2 or any(n < 1 for n in shape) or any(n != 1 for n in shape[3:]):
        raise DataError(
            f"{path}: shape {shape}, expected one volume of three axes; "
            "extract one volume of a series, or one channel, into a file of its own"
        )
    if kind.kind not in "iubf":
        raise DataError(f"{path}: voxels of type {kind}, expected real numbers; convert the file")
    edges = [float(edge) for edge in header["pixdim"][1:4]][: len(shape)]
    if not all(np.isfinite(edge) and edge > 0 for edge in edges):
        raise DataError(
            f"{path}: voxel spacing {edges} (pixdim), expected positive numbers; correct the header"
        )


def _either_endian(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data, "little"), int.from_bytes(data, "big")
