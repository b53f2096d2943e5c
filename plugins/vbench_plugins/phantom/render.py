"""Paint vessels onto a voxel grid with true partial volume: how much of each voxel they fill."""

from __future__ import annotations

from collections.abc import Iterator
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
    codes, values = [], []
    for code, node, share in _filled(tree, grid):
        codes.append(code)
        values.append((signal[node] * (1.0 - 0.3 * share)).astype(np.float32))
    # A capsule may reach into the grid by its box only: then it fills no sub-voxel.
    if not any(map(len, codes)):
        nothing = np.zeros(grid.shape, np.float32)
        return Painted(nothing, nothing.copy())
    code, value = np.concatenate(codes), np.concatenate(values)
    order = np.argsort(code, kind="stable")
    code, value = code[order], value[order]
    start = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    value, voxel = np.maximum.reduceat(value, start), _voxel(code[start], grid)
    size, whole = int(np.prod(grid.shape)), float(np.prod(_cuts(grid)))
    fraction = np.bincount(voxel, minlength=size).astype(np.float32) / np.float32(whole)
    total = (np.bincount(voxel, weights=value, minlength=size) / whole).astype(np.float32)
    return Painted(fraction.reshape(grid.shape), total.reshape(grid.shape))


def name_voxels(tree: Tree, value: Array, grid: Grid) -> Array:
    """Return which vessel fills most of each voxel, in the sub-voxels of :func:`paint`.

    Where two vessels overlap, as at a bifurcation, the place belongs to the one upstream, which
    comes first in the tree; of two that fill a voxel equally, the smaller value has it.

    Args:
        tree: In the grid's world, mm.
        value: Value of each node's vessel ``(n,)``, uint8, above 0.
        grid: The voxels.

    Returns:
        uint8 ``grid.shape``, 0 where no vessel reaches.
    """
    codes, owners = [], []
    for code, node, _ in _filled(tree, grid):
        codes.append(code)
        owners.append(value[node])
    named = np.zeros(int(np.prod(grid.shape)), np.uint8)
    if any(map(len, codes)):
        # Nodes come in the tree's order, so that the first owner of a place is the one upstream.
        code, first = np.unique(np.concatenate(codes), return_index=True)
        owner = np.concatenate(owners)[first].astype(np.int64)
        pair, count = np.unique(_voxel(code, grid) * 256 + owner, return_counts=True)
        order = np.argsort(-count, kind="stable")
        voxel, most = np.unique((pair // 256)[order], return_index=True)
        named[voxel] = (pair % 256)[order][most]
    return named.reshape(grid.shape)


def _cuts(grid: Grid) -> list[int]:
    """Return into how many sub-voxels a voxel is cut along each axis."""
    return [int(np.clip(np.ceil(s / FINE), 2, MOST)) for s in grid.spacing]


def _voxel(code: Array, grid: Grid) -> Array:
    """Return the voxels, as flat indices, that sub-voxels lie in."""
    cuts = _cuts(grid)
    extent = np.asarray(grid.shape) * cuts
    rest, iz = np.divmod(code, extent[2])
    ix, iy = np.divmod(rest, extent[1])
    voxel: Array = ((ix // cuts[0]) * grid.shape[1] + iy // cuts[1]) * grid.shape[2] + iz // cuts[2]
    return voxel


def _filled(tree: Tree, grid: Grid) -> Iterator[tuple[Array, Array, Array]]:
    """Yield the sub-voxels in capsules, the capsules in the tree's order.

    Yields:
        Sub-voxels as flat indices; the node of the capsule that each lies in; its squared distance
        from that capsule's axis, over the squared radius.
    """
    cuts = _cuts(grid)
    step = np.asarray(grid.spacing) / cuts
    # Place of the first sub-voxel's centre; sub-voxels are counted from there along each axis.
    first = np.asarray(grid.origin) - np.asarray(grid.spacing) / 2 + step / 2
    extent = np.asarray(grid.shape) * cuts
    child = np.flatnonzero(tree.parent >= 0)
    a, b = tree.points[tree.parent[child]], tree.points[child]
    radius = tree.radius[child]
    low = np.ceil((np.minimum(a, b) - radius[:, None] - first) / step).astype(int)
    high = np.floor((np.maximum(a, b) + radius[:, None] - first) / step).astype(int) + 1
    low, high = np.clip(low, 0, extent), np.clip(high, 0, extent)
    sides = np.maximum(high - low, 0)
    count = sides.prod(1)
    keep = np.flatnonzero(count)
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
        code = (ix[hit] * extent[1] + iy[hit]) * extent[2] + iz[hit]
        yield code, child[some][which[hit]], share[hit]


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
