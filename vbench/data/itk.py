"""MetaImage and NRRD files, which ITK and 3D Slicer write, read with SimpleITK (extra ``itk``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.disguise import unopened
from vbench.data.nifti import Image, oriented_in_mm
from vbench.errors import DataError

#: How such a file may end, in lower case.
SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
#: ITK's axes point to the left and back, those of NIfTI to the right and front.
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_itk(path: Path, *, integer: bool = False) -> Image:
    """Read a volume.

    Args:
        path: The file; lengths in it are mm.
        integer: For labels: keep whole numbers, instead of float32.

    Raises:
        DataError: When SimpleITK is not installed, or the file is missing, damaged or no volume of
            single numbers.
    """
    try:
        import SimpleITK
    except ImportError as error:
        raise DataError(
            f"{path}: MetaImage and NRRD are read with SimpleITK, which is not installed; "
            "pip install 'vbench[itk]', or convert it to NIfTI"
        ) from error
    try:
        path.stat()
    except OSError as error:
        raise unopened(path, error) from error
    try:
        image: Any = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1].rpartition("): ")[2].strip()
        raise DataError(f"{path}: cannot be read ({why}); copy or download it again") from error
    if image.GetDimension() not in (2, 3) or image.GetNumberOfComponentsPerPixel() != 1:
        raise DataError(
            f"{path}: {image.GetDimension()} axes of {image.GetNumberOfComponentsPerPixel()} "
            "numbers a voxel, expected one volume; write one volume, and one channel, as a file"
        )
    array = SimpleITK.GetArrayFromImage(image).T
    axes = image.GetDimension()
    native = np.eye(4)
    turn = np.reshape(image.GetDirection(), (axes, axes))
    native[:axes, :axes] = turn * np.asarray(image.GetSpacing())
    native[:axes, 3] = image.GetOrigin()
    whole = integer and array.dtype.kind in "iub"
    array = array.reshape(*array.shape, *(1,) * (3 - axes))
    kept = array if whole else array.astype(np.float32)
    return oriented_in_mm(path, kept, _TO_RAS @ native)
