"""Grow arteries (and veins) over the brain: shortest ways through a random medium near its surface.

Points strewn below the surface are joined to their neighbours by edges of random cost; main trunks
are cheap ways through them. The union of the cheapest ways from a territory's root to its tips is
a tree that shares trunks, bends as sulci make vessels bend, and stays inside of the brain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import brain
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.willis import resample


@dataclass(frozen=True)
class Growth:
    """What shapes a grown tree.

    Attributes:
        spacing: Mean distance between strewn points, mm.
        depth: Range of depths below the surface at which they lie, mm.
        disorder: Standard deviation of the logarithm of an edge's cost.
        highway: Cost of main trunks relative to strewn edges.
        smooth: Rounds of smoothing along a branch.
    """

    spacing: float = 3.5
    depth: tuple[float, float] = (2.0, 9.0)
    disorder: float = 1.2
    highway: float = 0.15
    smooth: int = 6


def strew(rng: np.random.Generator, growth: Growth) -> Array:
    """Strew points below the surface of the right half of the cerebrum: ``(n, 3)`` in mm."""
    low, high = np.array([0.0, -105.0, -44.0]), np.array([72.0, 72.0, 78.0])
    count = int(np.prod(high - low) / growth.spacing**3)
    points = rng.uniform(low, high, (count, 3)).astype(np.float32)
    below = -brain.cerebrum(points)
    kept: Array = points[(below > growth.depth[0]) & (below < growth.depth[1])].astype(float)
    return kept


def spread(rng: np.random.Generator, points: Array, count: int) -> Array:
    """Choose ``count`` points far from each other, with some chance: indices ``(count,)``.

    Each is the one of eight random candidates that is farthest from those chosen before.
    """
    count = min(count, len(points))
    chosen = [int(rng.integers(len(points)))]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count:
        candidates = rng.integers(len(points), size=8)
        best = int(candidates[np.argmax(nearest[candidates])])
        if nearest[best] <= 0:
            best = int(np.argmax(nearest))
        chosen.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(points - points[best], axis=1))
    return np.asarray(chosen)


def grow(
    rng: np.random.Generator,
    strewn: Array,
    ways: list[Array],
    tips: Array,
    growth: Growth,
) -> Tree:
    """Join a root to tips by the cheapest ways.

    Args:
        rng: Draws the costs.
        strewn: Points that may be passed ``(n, 3)`` in mm.
        ways: Main trunks, polylines in mm; the first begins at the root. Where one begins at a
            point of another, they are joined.
        tips: Indices into ``strewn`` of the points to be reached.
        growth: Its shape.

    Returns:
        The tree, its root first, without radii.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra
    from scipy.spatial import cKDTree

    trunks, links, base = [], [], 0
    for way in ways:
        nodes = resample(way, growth.spacing * 0.8)
        trunks.append(nodes)
        links.append(np.stack([np.arange(len(nodes) - 1), np.arange(1, len(nodes))]) + base)
        base += len(nodes)
    highway = np.concatenate(trunks)
    starts = np.cumsum([0, *(len(t) for t in trunks)])[:-1]
    for start in starts[1:]:
        # A way that begins on an earlier one springs from that one's nearest node.
        near = int(np.argmin(np.linalg.norm(highway[:start] - highway[start], axis=1)))
        links.append(np.array([[near], [start]]))
    points = np.concatenate([highway, strewn])
    _, neighbours = cKDTree(points).query(points, k=9)
    total = len(points)
    lanes = np.concatenate(links, axis=1)
    lane_codes = np.unique(lanes.min(0) * total + lanes.max(0))
    rows, cols = np.repeat(np.arange(total), 8), neighbours[:, 1:].ravel()
    codes = np.unique(np.r_[lane_codes, np.minimum(rows, cols) * total + np.maximum(rows, cols)])
    start, end = np.divmod(codes, total)
    cost = np.linalg.norm(points[start] - points[end], axis=1) + 0.1
    cost *= np.exp(rng.normal(0.0, growth.disorder, len(cost)))
    cost[np.searchsorted(codes, lane_codes)] *= growth.highway
    graph = csr_matrix((cost, (start, end)), shape=(total, total))
    far, before = dijkstra(graph, directed=False, indices=0, return_predecessors=True)
    used = np.zeros(total, bool)
    used[0] = True
    for tip in tips + len(highway):
        node = int(tip)
        while np.isfinite(far[node]) and not used[node]:
            used[node] = True
            node = int(before[node])
    order = np.flatnonzero(used)[np.argsort(far[used], kind="stable")]
    rank = np.full(len(points), -1)
    rank[order] = np.arange(len(order))
    parent = np.where(order == 0, -1, rank[np.where(order == 0, 0, before[order])])
    none = np.zeros(len(parent))
    return Tree(_smooth(points[order], parent, growth.smooth), none, parent, none)


def _smooth(points: Array, parent: Array, rounds: int) -> Array:
    """Move each node towards the mean of its neighbours, root and tips held."""
    count = len(points)
    children = np.bincount(parent[1:], minlength=count)
    free = (parent >= 0) & (children > 0)
    for _ in range(rounds):
        below = np.zeros_like(points)
        np.add.at(below, parent[1:], points[1:])
        middle = (points[parent] + below / np.maximum(children, 1)[:, None]) / 2
        points = np.where(free[:, None], 0.5 * points + 0.5 * middle, points)
    return points
