"""Centrelines of sparse 3D masks: the thinning of Lee 1994, voxel by voxel as scikit-image does it.

scikit-image scans the whole volume six times a round; vessels fill a thousandth of it. Here only
the vessel voxels are looked at, many at once, with the same result.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from vbench.voxels import DENSE, Bools, Indices, Labels, euler_weights, steps, touching

Bits = npt.NDArray[np.uint32]


def _bit(move: tuple[int, ...]) -> np.uint32:
    """Return the bit of a neighbour: a neighbourhood of 3 × 3 × 3 is kept as 27 bits."""
    return np.uint32(1 << (9 * move[0] + 3 * move[1] + move[2] + 13))


_CENTRE = _bit((0, 0, 0))
#: The moves to all neighbours, those forward first, as in :func:`vbench.voxels.steps`.
_FORWARD = [m for m in itertools.product((1, 0, -1), repeat=3) if m > (0, 0, 0)]
_MOVES = [*_FORWARD, *((-a, -b, -c) for a, b, c in _FORWARD)]
_BITS = np.array([_bit(move) for move in _MOVES])
#: From which side voxels are taken off, in turn.
_SIDES = ((0, -1, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0))


def skeleton(mask: Bools, index: Indices) -> Indices:
    """Return the voxels of the centrelines, as scikit-image thins (3D: Lee 1994; 2D: Zhang 1984).

    Lee's thinning wipes out some small hollow shapes; a mask of which nothing is left is its own
    centreline.

    Args:
        mask: The mask, with its margin.
        index: Flat indices of its voxels, ascending.
    """
    if mask.ndim == 3 and len(index) <= DENSE * mask.size:
        left = thin(mask, index)
    else:
        from skimage.morphology import skeletonize

        left = np.flatnonzero(skeletonize(mask))
    return left if len(left) else index


def thin(mask: Bools, index: Indices) -> Indices:
    """Return the voxels that thinning leaves.

    In rounds, voxels are taken off from six sides in turn, until none can go. From a side, those
    voxels go that are on the border there, end no line, and whose removal changes neither
    Euler's number nor the number of pieces of their neighbourhood; the last is checked again one
    voxel after the other, in the order of memory, as the voxels before are gone by then.

    Args:
        mask: 3D, with its margin.
        index: Flat indices of its voxels, ascending.
    """
    none = len(index)  # stands for background where voxels are told by their position in the index
    pattern = np.full(none + 1, _CENTRE)
    beside = np.full((len(_MOVES), none), none, np.int32)
    half = len(_MOVES) // 2
    for row, step in enumerate(steps(mask.shape, faces=False)[:half]):
        voxel, ahead = touching(mask.ravel(), index, step)
        pattern[voxel] |= _BITS[row]
        pattern[ahead] |= _BITS[row + half]
        beside[row, voxel] = ahead
        beside[row + half, ahead] = voxel
    before = beside[half:]

    alive = np.ones(none + 1, bool)
    alive[none] = False
    loose = np.append(_loose(pattern[:none]), False)
    idle = 0
    for side in itertools.cycle(_SIDES):
        candidates = np.flatnonzero(loose & ((pattern & _bit(side)) == 0))
        gone = _one_by_one(candidates, pattern, before)
        if len(gone):
            idle = 0
            alive[gone] = loose[gone] = False
            around = beside[:, gone]
            for row, bit in zip(around, np.roll(_BITS, len(_BITS) // 2), strict=True):
                pattern[row] &= ~bit  # where it was, seen from there
            changed = np.zeros(none + 1, bool)
            changed[around] = True
            again = np.flatnonzero(changed & alive)
            loose[again] = _loose(pattern[again])
        else:
            idle += 1
            if idle == len(_SIDES):
                break
    return index[alive[:none]]


def _one_by_one(candidates: Indices, pattern: Bits, before: Labels) -> Indices:
    """Return the candidates that go when each is checked after those before it have gone.

    Whether one goes depends on earlier ones only; so a guess of who goes, corrected wherever an
    earlier neighbour's turned out wrong, settles on the one answer, mostly in a few passes.
    """
    slot = np.full(len(pattern), len(candidates), np.int32)
    slot[candidates] = np.arange(len(candidates))
    near = slot[before[:, candidates]]
    bits = _BITS[len(_MOVES) // 2 :, None]
    own = pattern[candidates]
    goes = np.zeros(len(candidates) + 1, bool)
    check = np.arange(len(candidates))
    while len(check):
        lost = np.bitwise_or.reduce(goes[near[:, check]] * bits, axis=0)
        wrong = check[_in_one_piece(own[check] & ~lost) != goes[check]]
        goes[wrong] ^= True
        upset = np.zeros(len(goes), bool)
        upset[wrong] = True
        check = np.flatnonzero(upset[near].any(axis=0))
    return candidates[goes[:-1]]


def _loose(pattern: Bits) -> Bools:
    """Return which voxels may go: no line ends there, and no number changes."""
    around = pattern & ~_CENTRE
    found = (around & (around - np.uint32(1))) != 0
    found |= around == 0
    kept = np.flatnonzero(found)
    kept = kept[_euler_change(pattern[kept]) == 0]
    found[:] = False
    found[kept[_in_one_piece(pattern[kept])]] = True
    return found


def _in_one_piece(pattern: Bits) -> Bools:
    """Return where the neighbours, without the centre, hang together (or there are none)."""
    around = pattern & ~_CENTRE
    reached = around & (~around + np.uint32(1))  # the lowest bit
    while True:
        grown = reached
        for width, low in ((1, 0o111111111), (3, 0o007007007), (9, 0o000000777)):
            high = np.uint32(low << (2 * width))
            shift = np.uint32(width)
            grown = grown | ((grown & ~high) << shift) | ((grown & ~np.uint32(low)) >> shift)
        grown &= around
        if np.array_equal(grown, reached):
            return reached == around
        reached = grown


def _euler_change(pattern: Bits) -> npt.NDArray[np.int8]:
    """Return by how much Euler's number changes with the voxel, times eight."""
    total = np.zeros(len(pattern), np.int8)
    for corner, change in _corner_changes():
        block = pattern >> np.uint32(corner)
        # The bits of a block of 2 × 2 × 2, packed to one byte.
        low = (block & 0o3) | ((block >> 1) & 0o14)
        total += change[low | ((block >> 5) & 0o60) | ((block >> 6) & 0o300)]
    return total


@lru_cache
def _corner_changes() -> tuple[tuple[int, npt.NDArray[np.int8]], ...]:
    """Return, per corner of a voxel, its block's first bit and the change for every pattern."""
    weights = 8 * euler_weights(3)
    codes = np.arange(256)
    found = []
    for start in itertools.product((-1, 0), repeat=3):
        inside = [-s for s in start]
        centre = 1 << (4 * inside[0] + 2 * inside[1] + inside[2])
        change = weights[codes | centre] - weights[codes & ~centre]
        first = 9 * start[0] + 3 * start[1] + start[2] + 13
        found.append((first, np.rint(change).astype(np.int8)))
    return tuple(found)
