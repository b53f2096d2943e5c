"""Centrelines of masks: voxels are taken off from all sides until lines are left.

A voxel is only removed if the mask keeps its components, loops and cavities without it; so a
centreline has all of them, whatever the width of the vessels. Only the vessel voxels are visited,
many at once: cost and memory follow the vessels, not the volume.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from vbench.masks.voxels import Bools, Indices, Labels, euler_weights, steps, touching

Bits = npt.NDArray[np.uint32]
Move = tuple[int, ...]


def _bit(move: Move) -> np.uint32:
    """Return the bit of a neighbour: a neighbourhood of 3 × 3 × 3 is kept as 27 bits."""
    return np.uint32(1 << (9 * move[0] + 3 * move[1] + move[2] + 13))


_CENTRE = _bit((0, 0, 0))
#: The moves to all neighbours, those forward first, as in :func:`vbench.masks.voxels.steps`.
_FORWARD = [m for m in itertools.product((1, 0, -1), repeat=3) if m > (0, 0, 0)]
_MOVES = [*_FORWARD, *((-a, -b, -c) for a, b, c in _FORWARD)]
_HALF = len(_FORWARD)
_BITS = np.array([_bit(move) for move in _MOVES])
#: Those of the way back, in the same order.
_BACK_BITS = np.roll(_BITS, _HALF)
_SLABS = np.uint32((1 << 18) - 1)
_FULL = np.uint32((1 << 27) - 1)
#: The row of a neighbour in the tables below, by the number of its bit.
_ROW = np.zeros(27, int)
_ROW[np.log2(_BITS).astype(int)] = np.arange(len(_BITS))
#: The sides that voxels are taken off from, in turn.
_FACES: tuple[Move, ...] = ((0, -1, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0))
_FACE_BITS = np.bitwise_or.reduce([_bit(side) for side in _FACES])
_EDGES = tuple(move for move in _MOVES if move not in _FACES)
#: Voxel edges are compared to one part in this many, beyond the rounding of float32.
_PARTS = 16


def skeleton(mask: Bools, index: Indices, spacing: npt.ArrayLike | None = None) -> Indices:
    """Return the voxels of the centrelines, ascending.

    The centreline has as many components, loops and cavities as the mask (connectivity 26/6, in
    2D components and holes with 8/4), and every tube of it has a line that ends about a radius
    before the tube does, even-width tubes too.

    Args:
        mask: 2D or 3D, with its margin.
        index: Flat indices of its voxels, ascending.
        spacing: Voxel edge lengths, any unit: vessels are taken off evenly in length. None: equal.
    """
    lengths = np.asarray((1.0,) * mask.ndim if spacing is None else spacing)
    depth = np.rint(_PARTS * lengths / lengths.min()).astype(int).tolist()
    if mask.ndim == 3:
        return _Thinning(mask, index).run(depth)
    # One slice between two empty ones: what holds of it with connectivity 26/6 holds with 8/4.
    sheet = np.pad(mask[None], ((1, 1), (0, 0), (0, 0)))
    return _Thinning(sheet, index + mask.size).run([_PARTS, *depth]) - mask.size


class _Thinning:
    """A mask that gets thinner.

    From a side go, of the voxels with background there, those that

    - touch a vessel voxel with no background on that side. It stays while the side is worked off,
      so a vessel gets at most one voxel shorter each time. Without this, one that is two voxels
      wide is eaten up from its end;
    - end no line: they have several neighbours, or one that has several others (a bump);
    - are simple: without them, numbers of components, loops and cavities stay as they are
      (connectivity 26/6). This is checked for one voxel after the other, in the order of the
      index, once those before it have gone.

    At the end, no simple voxel is left that ends no line: if it has a neighbour on one side only,
    it goes from there; and a neighbourhood that is its own mirror image is never simple.

    A voxel is named by its position in the index; the number of voxels stands for background.
    """

    def __init__(self, mask: Bools, index: Indices) -> None:
        n = len(index)
        self.index = index
        self.pattern = np.full(n + 1, _CENTRE)  # 0 where a voxel has gone
        self.pattern[n] = 0
        self.beside: Labels = np.full((len(_MOVES), n), n, np.int32)
        for row, step in enumerate(steps(mask.shape, faces=False)[:_HALF]):
            voxel, ahead = touching(mask.ravel(), index, step)
            self.pattern[voxel] |= _BITS[row]
            self.pattern[ahead] |= _BITS[row + _HALF]
            self.beside[row, voxel] = ahead
            self.beside[row + _HALF, ahead] = voxel
        self.simple = np.zeros(n + 1, bool)
        self.changed = self.pattern != _FULL  # since ``simple`` was found
        self.changed[n] = False
        #: Voxels that may go: simple ones, and those that were not asked since they changed.
        self.active = np.flatnonzero(self.changed)
        self.is_active = self.changed.copy()
        self.is_active[n] = True  # never to be added
        self.is_stuck = np.zeros(n + 1, bool)
        self.moved = [self.active]  # since ``is_stuck`` was found
        self.slot = np.full(n + 1, -1, np.int32)

    def run(self, depth: Sequence[int]) -> Indices:
        """Return the voxels that are left in the end.

        Args:
            depth: How deep one layer of voxels is, per axis.
        """
        turns: dict[tuple[Move, ...], int] = {
            (side,): depth[[abs(move) for move in side].index(1)] for side in _FACES
        }
        turns[_EDGES] = min(turns.values())
        reached = dict.fromkeys(turns, 0)
        waiting = list(turns)
        while waiting:
            sides = min(waiting, key=lambda sides: reached[sides] + turns[sides])
            reached[sides] += turns[sides]
            if sides is _EDGES:
                self.find_stuck()
            if sum(self.peel(side, stuck=sides is _EDGES) for side in sides):
                waiting = list(turns)
            else:
                waiting.remove(sides)
        return self.index[self.pattern[:-1] != 0]

    def find_stuck(self) -> None:
        """Find the border voxels that go from no face: only edges and corners join them."""
        moved = np.concatenate(self.moved)
        pattern = self.pattern[moved]
        found = (pattern & _FACE_BITS) != _FACE_BITS
        for side in _FACES:
            found &= ((pattern & _bit(side)) != 0) | ~_by_an_inner_voxel(pattern, side)
        self.is_stuck[moved] = found
        self.moved = []

    def peel(self, side: Move, *, stuck: bool) -> int:
        """Take one layer off from a side, of stuck voxels or of any; return how many went."""
        pattern, active = self.pattern, self.active
        at = pattern[active]
        asked = (at & _bit(side)) == 0
        if stuck:
            asked &= self.is_stuck[active]
        found = active[asked]
        found = found[_by_an_inner_voxel(at[asked], side)]
        self.ask(found[self.changed[found]])
        found = found[self.simple[found]]
        if len(found):  # most sides of most rounds have none
            found = self.one_by_one(found[~self.ends_line(found)])
        if len(found):
            self.remove(found)
        return len(found)

    def ask(self, voxels: Indices) -> None:
        """Find out whether changed voxels are simple; those that are not wait for a change."""
        if not len(voxels):
            return
        simple = _simple(self.pattern[voxels])
        self.simple[voxels], self.changed[voxels] = simple, False
        self.is_active[voxels] = simple
        self.active = self.active[self.is_active[self.active]]

    def remove(self, gone: Indices) -> None:
        """Take voxels off, and note what changes around them."""
        self.pattern[gone] = 0
        self.is_active[gone] = False
        beside = self.beside[:, gone].ravel()
        left = np.flatnonzero(self.pattern[beside])
        found = beside[left]
        # Each bit is of one voxel: to take it off is to subtract it.
        np.subtract.at(self.pattern, found, np.repeat(_BACK_BITS, len(gone))[left])
        around: Indices = np.unique(found).astype(np.intp)
        self.changed[around] = True
        self.moved.append(around)
        fresh = around[~self.is_active[around]]
        self.is_active[fresh] = True
        self.active = np.concatenate((self.active[self.is_active[self.active]], fresh))

    def ends_line(self, simple: Indices) -> Bools:
        """Return which simple voxels have one neighbour only, and this at most one other."""
        around = self.pattern[simple] & ~_CENTRE
        found = _at_most_one(around)
        tips = np.flatnonzero(found)
        row = _ROW[np.log2(around[tips]).astype(int)]
        beyond = self.pattern[self.beside[row, simple[tips]]] & ~_CENTRE
        found[tips] = _at_most_one(beyond & (beyond - np.uint32(1)))
        return found

    def one_by_one(self, found: Indices) -> Indices:
        """Return which of these simple voxels go when each is checked after those before it went.

        Whether one goes depends on earlier ones only; so a guess of who goes, corrected wherever
        an earlier neighbour's turned out wrong, settles on the one answer, mostly in a few passes.
        """
        self.slot[found] = np.arange(len(found))
        near = self.slot[self.beside[_HALF:, found]]  # -1: none of them
        self.slot[found] = -1
        bits = _BITS[_HALF:, None]
        own = self.pattern[found]
        goes = np.ones(len(found) + 1, bool)
        goes[-1] = False
        check = np.flatnonzero(goes[near].any(axis=0))
        while len(check):
            lost = np.bitwise_or.reduce(goes[near[:, check]] * bits, axis=0)
            wrong = check[_simple(own[check] & ~lost) != goes[check]]
            goes[wrong] ^= True
            upset = np.zeros(len(goes), bool)
            upset[wrong] = True
            check = np.flatnonzero(upset[near].any(axis=0))
        return found[goes[:-1]]


def _at_most_one(bits: Bits) -> Bools:
    """Return where at most one bit is set."""
    return (bits & (bits - np.uint32(1))) == 0


@lru_cache
def _within(side: Move) -> np.uint32:
    """Return the bits of a neighbourhood from which a step to this side stays within it."""
    moves = itertools.product((-1, 0, 1), repeat=3)
    inside = [m for m in moves if all(abs(a + b) <= 1 for a, b in zip(m, side, strict=True))]
    return np.uint32(sum(int(_bit(move)) for move in inside))


def _by_an_inner_voxel(pattern: Bits, side: Move) -> Bools:
    """Return which voxels touch one that has a vessel voxel on this side (or are one)."""
    shift = 9 * side[0] + 3 * side[1] + side[2]
    ahead = pattern >> np.uint32(shift) if shift > 0 else pattern << np.uint32(-shift)
    return (pattern & ahead & _within(side)) != 0


def _simple(pattern: Bits) -> Bools:
    """Return which voxels are simple: neighbours in one piece, and no change of Euler's number."""
    found = _euler_change(pattern) == 0
    asked = np.flatnonzero(found)
    found[asked] = _in_one_piece(pattern[asked])
    return found


def _in_one_piece(pattern: Bits) -> Bools:
    """Return where the neighbours are connected (and there are any)."""
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
            return (reached == around) & (around != 0)
        reached = grown


def _euler_change(pattern: Bits) -> npt.NDArray[np.int8]:
    """Return by how much Euler's number changes with the voxel, times eight."""
    before, after = _slab_changes()
    found: npt.NDArray[np.int8] = before[pattern & _SLABS] + after[pattern >> np.uint32(9)]
    return found


@lru_cache
def _slab_changes() -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return the changes at a voxel's four corners before and behind it along the first axis.

    For every pattern of the 18 voxels of two layers: those before the voxel and its own, and its
    own and those behind it.
    """
    weights = 8 * euler_weights(3)
    codes = np.arange(256)
    pattern = np.arange(1 << 18, dtype=np.uint32)
    found = np.zeros((2, len(pattern)), np.int8)
    for start in itertools.product((-1, 0), repeat=3):
        inside = [-s for s in start]
        centre = 1 << (4 * inside[0] + 2 * inside[1] + inside[2])
        change = np.rint(weights[codes | centre] - weights[codes & ~centre]).astype(np.int8)
        block = pattern >> np.uint32(3 * (start[1] + 1) + start[2] + 1)
        # The bits of a block of 2 × 2 × 2, packed to one byte.
        low = (block & 0o3) | ((block >> 1) & 0o14)
        found[start[0] + 1] += change[low | ((block >> 5) & 0o60) | ((block >> 6) & 0o300)]
    return found[0], found[1]
