"""The geometry of one mask: border, components, loops and cavities.

Vessels fill less than one percent of a volume, so everything here works on the flat indices of
the vessel voxels: cost and memory follow the vessels, not the volume. A mask has a margin of one
background voxel on every side, so that each of its voxels has all neighbours.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Labels = npt.NDArray[np.int32]

#: Above this share of vessel voxels, labelling the whole array beats labelling the voxels.
DENSE = 1 / 16


def steps(shape: tuple[int, ...], faces: bool) -> list[int]:
    """Return what to add to a flat index to reach the face neighbours, or all neighbours.

    The first half leads forward, the second half back in the same order.
    """
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    forward = [
        sum(a * b for a, b in zip(move, strides, strict=True))
        for move in itertools.product((1, 0, -1), repeat=len(shape))
        if move > (0,) * len(shape) and (not faces or sum(map(abs, move)) == 1)
    ]
    return forward + [-step for step in forward]


def border(mask: Bools, index: Indices) -> Indices:
    """Return the voxels of a mask that have a face neighbour outside of it.

    Args:
        mask: The mask, with its margin.
        index: Flat indices of its voxels.
    """
    flat = mask.ravel()
    inner = np.ones(len(index), bool)
    for step in steps(mask.shape, faces=True):
        inner &= flat[index + step]
    return index[~inner]


def components(mask: Bools, index: Indices) -> Labels:
    """Return the component of each voxel, from 0; voxels that share a corner touch (26, 2D: 8)."""
    if len(index) > DENSE * mask.size:
        from scipy.ndimage import label

        return label(mask, np.ones((3,) * mask.ndim))[0].ravel()[index] - 1
    both = steps(mask.shape, faces=False)
    edges = [touching(mask.ravel(), index, step) for step in both[: len(both) // 2]]
    return _connected(edges, len(index))


def cavities(mask: Bools, index: Indices, labels: Labels) -> int:
    """Count the background components (6) that the mask encloses; 3D only.

    Only the layer of background around the mask is examined. Around one component of the mask,
    the layer within one component of the background is connected; so the pairs (component of the
    mask, component of the layer) are those of mask and background that touch. These form a tree,
    as in any image of the plain grid, and the edges of a tree give the number of its nodes.
    """
    if len(index) > DENSE * mask.size:
        from scipy.ndimage import label

        return int(label(~mask)[1]) - 1
    faces = steps(mask.shape, faces=True)
    # Longer than the mask, so that a step beyond either end finds nothing (one before the start
    # counts from the end).
    in_layer = np.zeros(mask.size + max(faces), bool)
    for step in steps(mask.shape, faces=False):
        in_layer[index + step] = True
    in_layer[index] = False
    layer = np.flatnonzero(in_layer)
    layer_labels = _connected([touching(in_layer, layer, s) for s in faces[:3]], len(layer))
    flat = mask.ravel()
    pairs = []
    for step in faces:
        outside = np.flatnonzero(~flat[index + step])
        beside = np.searchsorted(layer, index[outside] + step)
        pairs.append(labels[outside] * np.int64(len(layer)) + layer_labels[beside])
    return len(np.unique(np.concatenate(pairs))) - int(labels.max() + 1)


def touching(flat: Bools, index: Indices, step: int) -> tuple[Indices, Indices]:
    """Return the pairs of voxels that lie a step apart, as positions in the index.

    A step keeps the order: the voxels that have one ahead, and those that have one behind, are
    the same pairs in the same order, and no neighbour needs to be looked up.

    Args:
        flat: The mask, flat.
        index: Flat indices of its voxels, ascending.
        step: What to add to an index to reach the neighbour.
    """
    return np.flatnonzero(flat[index + step]), np.flatnonzero(flat[index - step])


def _connected(edges: list[tuple[Indices, Indices]], nodes: int) -> Labels:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    row, column = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(row), bool), (row, column)), shape=(nodes, nodes))
    labels: Labels = connected_components(graph, directed=False)[1]
    return labels


@lru_cache
def euler_weights(ndim: int) -> npt.NDArray[np.float64]:
    """Return what each pattern of the ``2 ** ndim`` voxels around a corner adds to Euler's number.

    Every cell (corner, edge, face, cube) at the corner that some voxel of the pattern has counts
    with its sign, divided by the number of its corners.
    """
    codes = np.arange(2 ** (2**ndim))
    weights = np.zeros(len(codes))
    sides = list(itertools.product((0, 1), repeat=ndim))
    for cell in itertools.product((None, 0, 1), repeat=ndim):
        bits = sum(
            1 << bit
            for bit, side in enumerate(sides)
            if all(c is None or c == s for c, s in zip(cell, side, strict=True))
        )
        extent = sum(c is not None for c in cell)
        weights += ((codes & bits) != 0) * (-0.5) ** extent
    return weights


def euler(mask: Bools, index: Indices) -> int:
    """Return Euler's number of the union of closed voxels (connectivity 26, in 2D 8)."""
    weights = euler_weights(mask.ndim)
    strides = [int(np.prod(mask.shape[axis + 1 :])) for axis in range(mask.ndim)]
    # The pattern around the corner before each voxel; a voxel is seen from 2 ** ndim corners.
    pattern = np.zeros(mask.size, np.uint8)
    moves = [
        sum((1 - s) * stride for s, stride in zip(side, strides, strict=True))
        for side in itertools.product((0, 1), repeat=mask.ndim)
    ]
    for bit, move in enumerate(moves):
        pattern[index + move] |= 1 << bit
    total = 0.0
    for move in moves:
        corner = index + move
        total += float(weights[pattern[corner]].sum())
        pattern[corner] = 0  # each corner counts once
    return round(total)


def betti(mask: Bools, index: Indices, labels: Labels) -> tuple[int, int, int]:
    """Return the numbers of components, loops and cavities (connectivity 26/6, in 2D 8/4)."""
    if not len(index):
        return 0, 0, 0
    count = int(labels.max()) + 1
    enclosed = cavities(mask, index, labels) if mask.ndim == 3 else 0
    return count, count + enclosed - euler(mask, index), enclosed
