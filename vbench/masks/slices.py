"""One slice is 2D: which axis of a volume is not one, and which way 2D patches lie.

A volume of one voxel along some axis is an image: it is scored, cut and shown in its plane,
whichever axis that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: A patch of which a larger share is padding is mostly padding, and refused.
MOST_PADDING = 0.5
#: The shortest edge of a patch.
LEAST = 4


def thin_axis(shape: Sequence[int]) -> int | None:
    """Return the axis of three along which a volume is one voxel thick; None when none is.

    The last one, when there are several.
    """
    axes = [axis for axis, n in enumerate(shape) if n == 1]
    return axes[-1] if len(shape) == 3 and axes else None


def ray(shape: Sequence[int]) -> int:
    """Return the axis to view along: the last; of a single slice, the one across its plane."""
    thin = thin_axis(shape)
    return 2 if thin is None else thin


def lead(n: int, edge: int) -> int:
    """Return how far before a volume of ``n`` voxels a longer patch begins: it lies in the middle.

    0 where the patch is not longer. The same for patches that are cut and windows to predict.
    """
    return (max(edge - n, 0) + 1) // 2


def margins(shape: Sequence[int], block: Sequence[int]) -> list[tuple[int, int]]:
    """Return the voxels before and after a volume, by axis, where a block is longer than it."""
    before = [lead(n, edge) for n, edge in zip(shape, block, strict=True)]
    return [(b, max(edge - n, 0) - b) for b, edge, n in zip(before, block, shape, strict=True)]


def padding(shape: Sequence[int], block: Sequence[int]) -> float:
    """Return the share of a block's voxels that a volume does not have."""
    held = 1.0
    for n, edge in zip(shape, block, strict=True):
        held *= min(n, edge) / edge
    return 1 - held


def across(shape: Sequence[int], size: Sequence[int]) -> int:
    """Return the axis that 2D patches of a volume are one voxel thick along.

    They are axial, across the last axis. Where most of an axial patch would be padding, as in a
    slice that lies along another plane, they lie across the shortest axis.
    """
    if padding(shape, (*size, 1)) <= MOST_PADDING:
        return 2
    return min((2, 1, 0), key=lambda axis: shape[axis])


def block(shape: Sequence[int], size: Sequence[int]) -> tuple[int, int, int]:
    """Return a patch's extent along the three axes of a volume; 2D patches as of :func:`across`."""
    if len(size) == 3:
        return size[0], size[1], size[2]
    first, second = size
    return ((1, first, second), (first, 1, second), (first, second, 1))[across(shape, size)]


def fitting(shapes: Sequence[Sequence[int]], size: Sequence[int]) -> list[int] | None:
    """Return a patch size that no volume pads for the most part, as near to ``size`` as there is.

    In multiples of 16, 8 or 4, since networks halve patches several times. Thin
    stacks get 2D patches, of about as many voxels. None when the volumes are too small for any.
    """
    smallest = [min(sides) for sides in zip(*shapes, strict=True)]
    if len(size) == 3 and min(smallest) >= LEAST:
        return [_even(min(n, edge)) for n, edge in zip(smallest, size, strict=True)]
    planes = [sorted(shape)[1:] for shape in shapes]
    room = min(min(plane) for plane in planes)
    edges = [round(math.prod(size) ** 0.5)] * 2 if len(size) == 3 else list(size)
    wanted = [_even(min(edge, room)) for edge in edges]
    fits = room >= LEAST and all(padding(s, block(s, wanted)) <= MOST_PADDING for s in shapes)
    return wanted if fits else None


def _even(edge: int) -> int:
    """Return the largest multiple of 16 that is not longer; of 8 or 4 below 16 or 8."""
    step = next((step for step in (16, 8) if edge >= step), LEAST)
    return max(LEAST, edge // step * step)
