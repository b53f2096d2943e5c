"""Paint vessels onto a voxel grid with true partial volume: how much of each voxel they fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.swc import Tree

#: Sub-voxels are at most this long, mm, unless a voxel would be cut more than MOST times.
FINE = 0.2
MOST = 6
#: Sub-voxels looked at in one go; bounds the memory used.
CHUNK = 2_000_000


@dataclass(frozen=True)
class Grid:
    """Where the voxels lie.

    Attributes:
        shape: Voxels per axis.
        spacing: Edge lengths in mm.
        origin: Centre of the first voxel in mm.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    def axes(self) -> tuple[Array, Array, Array]:
        """Return the places in mm of the voxels along each axis."""
        x, y, z = (
            o + s * np.arange(n)
            for o, s, n in zip(self.origin, self.spacing, self.shape, strict=True)
        )
        return x, y, z

    @property
    def affine(self) -> Array:
        """Voxel to world matrix."""
        affine = np.diag([*self.spacing, 1.0])
        affine[:3, 3] = self.origin
        return affine


@dataclass(frozen=True)
class Painted:
    """Vessels on a grid.

    Attributes:
        fraction: float32, share of each voxel that vessels fill, 0 to 1.
        signal: float32, sum over the voxel of fraction times the vessels' own signal.
    """

    fraction: Array
    signal: Array


def paint(tree: Tree, signal: Array, grid: Grid) -> Painted:
    """Paint a tree: each node and its parent span a capsule (with the node's radius).

    Every voxel that a vessel may touch is cut into sub-voxels of at most 0.2 mm (and at least two
    per axis, at most six); one is filled when its centre lies in a capsule. Flow is laminar: the
    signal falls from the axis to 0.7 of it at the wall.

    Args:
        tree: In the grid's world, mm.
        signal: Signal of each node ``(n,)``.
        grid: The voxels.
    """
    size = int(np.prod(grid.shape))
    cuts = [int(np.clip(np.ceil(s / FINE), 2, MOST)) for s in grid.spacing]
    step = np.asarray(grid.spacing) / cuts
    # Place of the first sub-voxel's centre; sub-voxels are counted from there along each axis.
    first = np.asarray(grid.origin) - np.asarray(grid.spacing) / 2 + step / 2
    extent = np.asarray(grid.shape) * cuts
    child = np.flatnonzero(tree.parent >= 0)
    a, b = tree.points[tree.parent[child]], tree.points[child]
    radius, bright = tree.radius[child], signal[child]
    low = np.ceil((np.minimum(a, b) - radius[:, None] - first) / step).astype(int)
    high = np.floor((np.maximum(a, b) + radius[:, None] - first) / step).astype(int) + 1
    low, high = np.clip(low, 0, extent), np.clip(high, 0, extent)
    sides = np.maximum(high - low, 0)
    count = sides.prod(1)
    keep = np.flatnonzero(count)
    codes, values = [], []
    for some in _chunks(keep, count):
        which = np.repeat(np.arange(len(some)), count[some])
        within = np.arange(len(which)) - np.repeat(
            np.cumsum(count[some]) - count[some], count[some]
        )
        ny, nz = sides[some, 1][which], sides[some, 2][which]
        ix = within // (ny * nz) + low[some, 0][which]
        iy = within // nz % ny + low[some, 1][which]
        iz = within % nz + low[some, 2][which]
        share = _closeness(
            [ix * step[0] + first[0], iy * step[1] + first[1], iz * step[2] + first[2]],
            a[some], b[some], radius[some], which,
        )  # fmt: skip
        hit = np.flatnonzero(share <= 1.0)
        codes.append((ix[hit] * extent[1] + iy[hit]) * extent[2] + iz[hit])
        values.append((bright[some][which[hit]] * (1.0 - 0.3 * share[hit])).astype(np.float32))
    # A capsule may reach into the grid by its box only: then it fills no sub-voxel.
    if not any(map(len, codes)):
        nothing = np.zeros(grid.shape, np.float32)
        return Painted(nothing, nothing.copy())
    code, value = np.concatenate(codes), np.concatenate(values)
    order = np.argsort(code, kind="stable")
    code, value = code[order], value[order]
    start = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    value, code = np.maximum.reduceat(value, start), code[start]
    rest, iz = np.divmod(code, extent[2])
    ix, iy = np.divmod(rest, extent[1])
    voxel = ((ix // cuts[0]) * grid.shape[1] + iy // cuts[1]) * grid.shape[2] + iz // cuts[2]
    whole = float(np.prod(cuts))
    fraction = np.bincount(voxel, minlength=size).astype(np.float32) / np.float32(whole)
    total = (np.bincount(voxel, weights=value, minlength=size) / whole).astype(np.float32)
    return Painted(fraction.reshape(grid.shape), total.reshape(grid.shape))


def _chunks(keep: Array, count: Array) -> list[Array]:
    """Cut a list of capsules into groups of about CHUNK sub-voxels."""
    if not len(keep):
        return []
    group = np.cumsum(count[keep]) // CHUNK
    return np.split(keep, np.flatnonzero(np.diff(group)) + 1)


def _closeness(places: list[Array], a: Array, b: Array, radius: Array, which: Array) -> Array:
    """Squared distance from each place to its capsule's axis, over the squared radius."""
    span = b - a
    inverse = 1.0 / np.maximum((span**2).sum(1), 1e-9)
    offset = [(places[k] - a[which, k]).astype(np.float32) for k in range(3)]
    axis = [span[:, k].astype(np.float32)[which] for k in range(3)]
    along = sum(o * s for o, s in zip(offset, axis, strict=True))
    along = np.clip(along * inverse.astype(np.float32)[which], 0.0, 1.0)
    squared = sum((o - along * s) ** 2 for o, s in zip(offset, axis, strict=True))
    closeness: Array = squared / (radius**2).astype(np.float32)[which]
    return closeness
