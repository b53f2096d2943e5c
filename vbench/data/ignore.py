"""Unlabelled voxels: nnU-Net's ``ignore``, and where patches are free of it.

They are no background. Patches are drawn only where none of their voxels is ignored, so that no
method ever sees one, whoever wrote it; thresholds and scores leave them out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vbench.errors import DataError
from vbench.masks.slices import LEAST, block
from vbench.types import Array

#: With fewer free places than patches are drawn, and less than this share of all, it is refused.
FEW = 0.1


def free_centres(ignore: Array, extent: Sequence[int]) -> Array:
    """Return the voxels on which a patch can be centred without an ignored voxel in it.

    Args:
        ignore: bool, the voxels to keep out.
        extent: Of the patch; near the border it is moved inwards, as all patches are.
    """
    touched = np.asarray(ignore, dtype=bool)
    for axis, edge in enumerate(extent):
        n = touched.shape[axis]
        start = np.clip(np.arange(n) - edge // 2, 0, max(n - edge, 0))
        count = np.cumsum(touched, axis=axis, dtype=np.int32)
        before = np.zeros_like(np.take(count, [0], axis=axis))
        count = np.concatenate([before, count], axis=axis)
        stop = np.minimum(start + edge, n)
        touched = np.take(count, stop, axis=axis) > np.take(count, start, axis=axis)
    return ~touched


def check_free(
    subject: str,
    places: Mapping[str, Array],
    ignore: Array,
    size: Sequence[int],
    wanted: Mapping[str, int],
) -> Array:
    """Refuse a subject that has too few places for patches without an ignored voxel.

    Args:
        subject: Its name.
        places: Where patches are centred, bool, by what is there (``vessel``, ``mask``).
        ignore: The voxels that nobody labelled.
        size: The patch.
        wanted: How many patches are drawn on each.

    Returns:
        What :func:`free_centres` found.

    Raises:
        DataError: With the share of places that is free, and the size that fits.
    """

    def lacks(free: Array) -> str | None:
        for what, n in wanted.items():
            had, left = int(places[what].sum()), int((places[what] & free).sum())
            if n and (left == 0 or (left < n and left < FEW * had)):
                return f"{left} of {had} {what} voxels ({left / max(had, 1):.1%})"
        return None

    free = free_centres(ignore, block(ignore.shape, size))
    short = lacks(free)
    if short is None:
        return free
    smaller = (
        fit
        for fit in _smaller(size)
        if lacks(free_centres(ignore, block(ignore.shape, fit))) is None
    )
    fit = next(smaller, None)
    mend = "leave this subject out, or label more of it" if fit is None else f"{fit} would fit"
    raise DataError(
        f"subject {subject}: patches.size = {list(size)}: only {short} are far enough from the "
        f"ignore label to centre a patch on; {mend}"
    )


def _smaller(size: Sequence[int]) -> list[list[int]]:
    """Return smaller patches to try: halved again and again, then 2D ones."""
    sizes = []
    for edges in (list(size), list(size[:2])):
        sizes.append(edges)
        while max(edges) > LEAST:
            edges = [max(LEAST, math.ceil(edge / 2)) for edge in edges]
            sizes.append(edges)
    return sizes[1:]
