"""Stacks of pictures in one TIFF file, as microscopes write them, as volumes.

A page's left is the patient's right, as vbench shows slices, and pages go upwards.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.disguise import disguise, first_bytes
from vbench.data.nifti import Image, oriented_in_mm
from vbench.data.pictures import DAMAGED
from vbench.data.unpack import check_pixels
from vbench.errors import DataError
from vbench.types import Array

#: How the file of a stack may end, in lower case.
SUFFIXES = (".tif", ".tiff")


def read_stack(
    path: Path, spacing: tuple[float, float, float] | None, *, integer: bool = False
) -> Image:
    """Read a stack as a volume.

    Args:
        path: A TIFF file of grey pages of one size.
        spacing: Edges of a voxel in mm: along a row, a column, and from page to page; None: not
            known.
        integer: For labels: keep whole numbers, instead of float32.

    Raises:
        DataError: When it is missing, damaged, or no such stack.
    """
    pages = _pages(path)
    array = np.stack(pages, axis=-1).transpose(1, 0, 2)
    wide, high, apart = spacing or (1.0, 1.0, 1.0)
    native = np.diag([-wide, -high, apart, 1.0])
    native[0, 3], native[1, 3] = wide * (array.shape[0] - 1), high * (array.shape[1] - 1)
    kept = array if integer and array.dtype.kind in "iub" else array.astype(np.float32)
    return oriented_in_mm(path, kept, native, measured=spacing is not None)


def stack_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape that :func:`read_stack` would give a stack, without decoding it.

    Raises:
        DataError: When it cannot be opened.
    """
    with _opened(path) as (_, shape):
        return shape


def _pages(path: Path) -> list[Array]:
    from PIL import ImageSequence

    found: list[Array] = []
    with _opened(path) as (stack, shape):
        _check_memory(path, shape)
        for number, page in enumerate(ImageSequence.Iterator(stack), start=1):
            if page.mode not in ("1", "L") and not page.mode.startswith(("I", "F")):
                raise DataError(
                    f"{path}: page {number} is in colour ({page.mode}), expected grey; write "
                    "one channel as a file of its own"
                )
            found.append(np.asarray(page))
            if found[-1].shape != found[0].shape:
                raise DataError(
                    f"{path}: page {number} has {found[-1].shape[::-1]} pixels, the first has "
                    f"{found[0].shape[::-1]}; write pages of one size"
                )
    return found


def _check_memory(path: Path, shape: tuple[int, ...]) -> None:
    """Raise DataError when a stack cannot be held: many pages may be one piece of a small file."""
    import psutil

    free, used = psutil.virtual_memory().available, 4 * math.prod(shape)
    if used > free / 2:  # once more while it is put together
        raise DataError(
            f"{path}: {shape} voxels need {used / 2**29:.1f} GB of memory, {free / 2**30:.1f} GB "
            "are free; crop it, or use a larger machine"
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, tuple[int, int, int]]]:
    """Open a TIFF file with Pillow; yield it with its size and its number of pages.

    Raises:
        DataError: When it is missing, or is none; when it proves to be damaged while it is open.
    """
    import PIL.Image

    first = first_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of odd TIFF tags
        try:
            stack = PIL.Image.open(path, formats=["TIFF"])
        except (*DAMAGED, PIL.Image.DecompressionBombError) as error:
            what, mend = disguise(first) or ("", "write it again as TIFF")
            what = what.removesuffix(", not a NIfTI file")
            raise DataError(
                f"{path}: not a TIFF stack{f' but {what}' if what else ''}; {mend}"
            ) from error
        try:
            with stack:
                packing = str(stack.info.get("compression", ""))
                check_pixels(path, path.stat().st_size, stack.size, packing)
                yield stack, (*stack.size, getattr(stack, "n_frames", 1))
        except DAMAGED as error:
            raise DataError(f"{path}: damaged ({error}); copy or download it again") from error
