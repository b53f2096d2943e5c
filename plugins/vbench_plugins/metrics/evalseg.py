"""The HD95 of the EvaluateSegmentation tool, emulated with a seed, to compare with its figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench import MaskPair, Params, param
from vbench.masks.lengths import TOLERANCE
from vbench_plugins.metrics.surface import Distance

Floats = npt.NDArray[np.float64]

#: Distances computed at once while scanning, to bound memory.
_BLOCK = 1 << 20
#: Targets that are tried in order before those that are near enough are looked up: where these
#: are few, and where they are many.
_FEW, _MANY = 80, 20_000


class EvalsegParams(Params):
    """Parameters of :class:`Hausdorff95EvalSeg`."""

    shuffles: int = param(3, "Orders of the voxels to average over.", ge=1)


class Hausdorff95EvalSeg(Distance):
    """95 % quantile of EvaluateSegmentation, which stops its scans early; for comparison only.

    Query points are the false-negative voxels (against all voxels of the prediction) and the
    false-positive voxels (against the reference), in turns. The lists are shuffled. A scan stops at
    the first voxel that is nearer than the largest distance found so far, and the smallest
    distance of the scan is kept, which is then mostly the distance to *some* voxel and not to
    the nearest. All are sorted; the element ``floor(0.95 · (n − 1))`` is the value. The tool
    shuffles by the clock; here by the pair's seed, and the value is the mean over some shuffles.

    In mm; lower is better. Both masks empty: 0. One empty: the diagonal of the volume in mm, not
    defined.
    """

    name = "hd95-evalseg"
    paper = "Taha 2015, doi:10.1186/s12880-015-0068-x"

    Params = EvalsegParams

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        rng = np.random.default_rng(pair.seed)
        if not any(len(excess) for excess in pair.excess):
            return 0.0
        scans = [_Scan.of(pair, side) for side in (1, 0)]
        return float(np.mean([_quantile(scans, rng) for _ in range(self.params.shuffles)]))


@dataclass(frozen=True)
class _Scan:
    """One list of queries and what they are compared with.

    Attributes:
        points: Places of the queries in mm, ``(n, ndim)``.
        nearest: Their exact distances to the nearest target.
        targets: Places of the targets.
    """

    points: Floats
    nearest: Floats
    targets: Floats

    @classmethod
    def of(cls, pair: MaskPair, side: int) -> _Scan:
        """Compare what only one mask has with all voxels of the other."""
        targets = pair.points(pair.index[1 - side])
        return cls(pair.points(pair.excess[side]), pair.excess_distances[side], targets)

    @cached_property
    def tree(self) -> Any:
        """A tree of the targets, to look up those that are near."""
        from scipy.spatial import cKDTree

        return cKDTree(self.targets, balanced_tree=False, compact_nodes=False)


def _quantile(scans: list[_Scan], rng: np.random.Generator) -> float:
    """Return the tool's quantile for one order of all lists."""
    orders = [rng.permutation(len(scan.nearest)) for scan in scans]
    nearest = [scan.nearest[order] for scan, order in zip(scans, orders, strict=True)]
    # The tool takes one query of each list in turn. Its largest distance so far only ever grows
    # by a scan that met nothing nearer, thus ran to its end: it is the running maximum of the
    # exact distances, and need not be simulated.
    turn = np.concatenate([2 * np.arange(len(d)) + place for place, d in enumerate(nearest)])
    sequence = np.argsort(turn)
    limit = np.empty(len(turn))
    reached = np.maximum.accumulate(np.concatenate(nearest)[sequence])
    limit[sequence] = np.concatenate([[0.0], reached[:-1]]) * (1 - TOLERANCE)
    limits = np.split(limit, [len(nearest[0])])

    found = []
    for scan, order, exact, stop in zip(scans, orders, nearest, limits, strict=True):
        kept, stopped = exact.copy(), np.flatnonzero(exact < stop)
        target_order = rng.permutation(len(scan.targets))
        kept[stopped] = _first_below(scan, scan.points[order[stopped]], target_order, stop[stopped])
        found.append(kept)
    pooled = np.sort(np.concatenate(found))
    return float(pooled[int(0.95 * (len(pooled) - 1))])


def _first_below(scan: _Scan, points: Floats, order: npt.NDArray[np.intp], limit: Floats) -> Floats:
    """Return, per point, the distance to the first target, in order, that is below its limit.

    Each point has such a target. Where many targets are that near, one is met soon by trying them
    in order; where few are, it is quicker to look up all that are that near.
    """
    from scipy.spatial.distance import cdist

    out = np.empty(len(points))
    waiting = np.arange(len(points))
    start, size, tries = 0, 16, _FEW
    while len(waiting) and start < tries:
        ahead = scan.targets[order[start : start + size]]
        left = []
        for part in _blocks(waiting, _BLOCK // size):
            distance = cdist(points[part], ahead)
            below = distance < limit[part, None]
            place = below.argmax(axis=1)
            hit = below[np.arange(len(part)), place]
            out[part[hit]] = distance[hit, place[hit]]
            left.append(part[~hit])
        waiting = np.concatenate(left)
        start, size = start + size, 4 * size
        if start >= tries == _FEW and len(waiting):
            some = waiting[:: 1 + len(waiting) // 50]
            near = scan.tree.query_ball_point(points[some], limit[some], return_length=True)
            # Trying costs targets / near distances; looking up costs near, each 16 times dearer.
            tries = _MANY if np.mean(near) ** 2 > len(order) / 16 else _FEW
    if not len(waiting):
        return out
    rank = np.argsort(order)
    for part in _blocks(waiting, 1024):
        near = scan.tree.query_ball_point(points[part], limit[part], return_sorted=False)
        flat = np.fromiter(itertools.chain.from_iterable(near), np.intp)
        ends = np.cumsum([len(one) for one in near])
        first = order[np.minimum.reduceat(rank[flat], ends - [len(one) for one in near])]
        out[part] = np.sqrt(((points[part] - scan.targets[first]) ** 2).sum(axis=1))
    return out


def _blocks(index: npt.NDArray[np.intp], size: int) -> Iterator[npt.NDArray[np.intp]]:
    """Yield an index in pieces of at most ``size``."""
    for first in range(0, len(index), size):
        yield index[first : first + size]
