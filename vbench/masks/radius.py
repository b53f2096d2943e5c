"""Radius of vessels along their centrelines: how far the mask's surface is from the middle.

A distance to the nearest background voxel changes by up to a voxel with the place of a vessel on
the grid, and is the smallest of many; so it reads thin. The mean over the surface around a vessel
has no such bias, in any direction and with any spacing: faces of voxels lie outside of the true
wall as often as inside of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.masks.voxels import Bools, Indices, steps, touching

Floats = npt.NDArray[np.float64]

#: Means are taken over a centreline voxel and those up to this many steps from it.
_REACH = 3


def along(
    mask: Bools,
    index: Indices,
    centre: Indices,
    nearest: Indices,
    spacing: Sequence[float],
    cut: Sequence[tuple[bool, bool]],
) -> Floats:
    """Return the radius at each centreline voxel, in the spacing's unit.

    It is the mean distance of the mask's surface (the faces between its voxels and background,
    weighted by their area) from the middle of the vessel: the mean place of the voxels nearest to
    the centreline voxel and its neighbours. A line one voxel wide reads half a voxel edge.

    Args:
        mask: 2D or 3D, with its margin.
        index: Flat indices of its voxels, ascending.
        centre: Those of the centreline.
        nearest: Per voxel of the index, the position of the nearest centreline voxel in ``centre``.
        spacing: Voxel edge lengths.
        cut: Per axis, whether the volume ends at the mask's first and last plane. What lies beyond
            is not background: a vessel that leaves the volume is not thin.

    Returns:
        NaN where there is no surface nearby.
    """
    lengths, count = np.asarray(spacing), len(centre)
    places = np.stack(np.unravel_index(index, mask.shape), axis=1)
    points = places * lengths
    line = np.stack(np.unravel_index(centre, mask.shape), axis=1) * lengths
    near = _neighbours(mask.shape, centre)

    def sums(values: Floats, of: Indices, hops: int) -> Floats:
        total: Floats = np.bincount(of, values, minlength=count).astype(float)
        for _ in range(hops):
            total = near @ total
        return total

    aside = points - line[nearest]
    voxels = sums(np.ones(len(index)), nearest, 1)
    middle = line + np.stack([sums(a, nearest, 1) / voxels for a in aside.T], axis=1)

    distance, area = np.zeros(count), np.zeros(count)
    flat = mask.ravel()
    for number, step in enumerate(steps(mask.shape, faces=True)):
        axis, back = number % mask.ndim, number >= mask.ndim
        end = places[:, axis] == (1 if back else mask.shape[axis] - 2)
        face = np.flatnonzero(~flat[index + step] & ~(end & cut[axis][not back]))
        at, wall = nearest[face], points[face]
        wall[:, axis] += lengths[axis] / (-2 if back else 2)
        size = np.full(len(face), np.prod(np.delete(lengths, axis)))
        distance += sums(size * np.linalg.norm(wall - middle[at], axis=1), at, _REACH)
        area += sums(size, at, _REACH)
    return np.divide(distance, area, out=np.full(count, np.nan), where=area > 0)


def _neighbours(shape: tuple[int, ...], centre: Indices) -> Any:
    """Return which centreline voxels touch, themselves included, as a sparse matrix."""
    from scipy.sparse import coo_array

    line = np.zeros(int(np.prod(shape)), bool)
    line[centre] = True
    both = steps(shape, faces=False)
    pairs = [touching(line, centre, step) for step in both[: len(both) // 2]]
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    own = np.arange(len(centre))
    row, column = np.r_[own, first, second], np.r_[own, second, first]
    return coo_array((np.ones(len(row)), (row, column)), shape=(len(own),) * 2).tocsr()
