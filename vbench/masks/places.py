"""Where the voxels of masks are, and the box that holds them, cut out.

A volume is read once, along memory, whatever the order of its axes: nibabel reads NIfTI with the
first axis fastest, numpy and torch make arrays with the last one fastest, and a volume may be
turned. What follows costs as much as there are vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
#: One array of coordinates for each axis; in any order of voxels.
Places = tuple[npt.NDArray[np.integer[Any]], ...]


def find(mask: npt.ArrayLike) -> Places:
    """Return the coordinates of what is not zero.

    Args:
        mask: Of any number of axes, at least one, and in any order in memory.

    Raises:
        ValueError: When it holds fractions, as probabilities do, or NaN; it needs a threshold.
    """
    array = np.asarray(mask)
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    straight = array.transpose(order)
    # `!= 0` first: counting and finding are fast for bool only.
    index = np.flatnonzero(straight if array.dtype == np.bool_ else straight != 0)
    rest = index.astype(np.int32) if array.size <= np.iinfo(np.int32).max else index
    found: list[Any] = [rest] * array.ndim
    for axis in reversed(order[1:]):
        above = rest // array.shape[axis]
        found[axis] = rest - above * array.shape[axis]
        rest = above
    found[order[0]] = rest
    if array.dtype.kind == "f":
        values = array[tuple(found)]
        if not np.array_equal(values, np.rint(values)):
            raise ValueError("holds fractions or NaN: expected 0 and 1; apply a threshold first")
    return tuple(found)


def within(found: Places, mask: npt.ArrayLike) -> Places:
    """Return those places at which another mask is not zero."""
    kept = np.asarray(mask)[found] != 0
    return tuple(axis[kept] for axis in found)


def joint_box(first: Places, second: Places) -> tuple[slice, ...]:
    """Return the smallest box that holds the places of two masks; of extent 0 without any."""
    box = []
    for pair in zip(first, second, strict=True):
        used = [axis for axis in pair if len(axis)]
        low = min((int(axis.min()) for axis in used), default=0)
        high = max((int(axis.max()) + 1 for axis in used), default=0)
        box.append(slice(low, high))
    return tuple(box)


def crop(found: Places, box: Sequence[slice]) -> Bools:
    """Return the box of a mask, with a margin of one background voxel, in C order."""
    out = np.zeros([side.stop - side.start + 2 for side in box], bool)
    flat: Any = 0
    for axis, side, stride in zip(found, box, out.strides, strict=True):
        flat = flat + (axis - (side.start - 1)) * np.intp(stride)
    out.reshape(-1)[flat] = True
    return out
