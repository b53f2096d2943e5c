"""The signal of arterial blood along a tree: inflow, slabs, speed, turbulence, disease."""

from __future__ import annotations

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.render import Grid
from vbench_plugins.phantom.scanners import Scanner
from vbench_plugins.phantom.swc import Tree

#: Vessels of this radius, mm, and thicker ones flow so fast that they keep all of their signal.
FAST = 1.3
#: A bend is measured between the directions this many nodes before and behind.
AROUND = 3


def blood_signal(
    rng: np.random.Generator, tree: Tree, flow: Array, grid: Grid, scanner: Scanner
) -> Array:
    """Compute the signal of the blood at each node, before partial volume.

    Blood enters the field of view fresh. It loses its enhancement over grey matter exponentially
    with the length of vessel behind it, from the bottom to the top of each slab, in thin vessels,
    at bends, and where disease slows it. Branches differ at random in speed.

    Args:
        rng: Draws how fast branches flow.
        tree: In world coordinates, mm.
        flow: Share of the signal that disease leaves at each node.
        grid: The field of view; the first slab begins at its bottom.
        scanner: The site.

    Returns:
        ``(n,)``, in the unit of the scanner's intensities.
    """
    bottom = grid.origin[2]
    path, scatter = _downstream(rng, tree, bottom, scanner.scatter)
    inflow = np.exp(-path / scanner.inflow)
    height = np.clip(tree.points[:, 2] - bottom, 0.0, None) / scanner.slab
    within = 1.0 - scanner.saturation * (height % 1.0)
    speed = np.clip(tree.radius / FAST, 0.05, 1.0) ** scanner.slow
    turns = 1.0 - scanner.turbulence * _bends(tree)
    enhancement = (scanner.blood - scanner.grey) * inflow * within * speed * turns
    signal: Array = scanner.grey + enhancement * scatter * flow
    return signal


def _downstream(
    rng: np.random.Generator, tree: Tree, bottom: float, scatter: float
) -> tuple[Array, Array]:
    """Return, per node, the length since the blood came in, mm, and the speed of its branch."""
    up = np.maximum(tree.parent, 0)
    step = np.linalg.norm(tree.points - tree.points[up], axis=1)
    step = np.where(tree.points[:, 2] > bottom, step, 0.0).tolist()
    drawn = np.exp(rng.normal(0.0, scatter, len(step))).tolist()
    forks = (np.bincount(up[tree.parent >= 0], minlength=len(step)) > 1).tolist()
    path, speed = [0.0] * len(step), [1.0] * len(step)
    for node, parent in enumerate(tree.parent.tolist()):
        if parent >= 0:
            path[node] = path[parent] + step[node]
            speed[node] = drawn[node] if forks[parent] else speed[parent]
    return np.asarray(path), np.asarray(speed)


def _bends(tree: Tree) -> Array:
    """Return how sharply the vessel bends at each node: 0 straight, 1 a right angle or more."""
    back = np.arange(len(tree.parent))
    ahead = np.arange(len(tree.parent))
    # The first child of each node; the node itself at a tip.
    onward = np.arange(len(tree.parent))
    child = np.flatnonzero(tree.parent >= 0)[::-1]
    onward[tree.parent[child]] = child
    for _ in range(AROUND):
        back = np.where(tree.parent[back] >= 0, tree.parent[back], back)
        ahead = onward[ahead]
    before, behind = tree.points - tree.points[back], tree.points[ahead] - tree.points
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(behind, axis=1)
    cosine = (before * behind).sum(1) / np.maximum(size, 1e-9)
    bend: Array = np.where(size > 0, np.clip(1.0 - cosine, 0.0, 1.0), 0.0)
    return bend
