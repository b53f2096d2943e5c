"""Disease of the arteries: narrowed, closed and bulging vessels, with their place in the truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.branching import unit
from vbench_plugins.phantom.render import Grid
from vbench_plugins.phantom.swc import Tree

#: Structure code of an aneurysm's nodes.
ANEURYSM = 6


@dataclass
class Diseased:
    """Arteries with their disease.

    Attributes:
        tree: The arteries, world coordinates, mm; without what lies behind an occlusion.
        flow: Share of the blood signal that is left at each node, 0 to 1.
        findings: What was done where, ready for JSON.
    """

    tree: Tree
    flow: Array
    findings: list[dict[str, Any]] = field(default_factory=list)


def healthy(tree: Tree) -> Diseased:
    """Return arteries without disease."""
    return Diseased(tree, np.ones(len(tree.radius)))


def _visible(tree: Tree, grid: Grid, thick: tuple[float, float], margin: float = 4.0) -> Array:
    """Return the nodes inside of the field of view whose radius is in a range, mm."""
    low = np.asarray(grid.origin) + margin
    high = np.asarray(grid.origin) + np.asarray(grid.spacing) * grid.shape - margin
    inside = ((tree.points > low) & (tree.points < high)).all(1) & (tree.parent >= 0)
    nodes: Array = np.flatnonzero(inside & (tree.radius > thick[0]) & (tree.radius < thick[1]))
    return nodes


def stenose(rng: np.random.Generator, sick: Diseased, grid: Grid, count: int) -> None:
    """Narrow vessels of 0.6 to 1.6 mm radius by 40 to 75 % over 3 to 6 mm; flow is lost there."""
    tree = sick.tree
    nodes = _visible(tree, grid, (0.6, 1.6))
    for node in rng.choice(nodes, min(count, len(nodes)), replace=False).tolist():
        severity, width = float(rng.uniform(0.4, 0.75)), float(rng.uniform(1.5, 3.0))
        distance = np.linalg.norm(tree.points - tree.points[node], axis=1)
        # Neighbours in space that belong to another vessel stay as they are.
        same = (tree.kind == tree.kind[node]) & (abs(np.arange(len(distance)) - node) < 12)
        dip = np.where(same, np.exp(-((distance / width) ** 2)), 0.0)
        tree = replace(tree, radius=tree.radius * (1 - severity * dip))
        sick.flow = sick.flow * (1 - 0.6 * severity * dip)
        sick.findings.append(
            {"kind": "stenosis", "severity": round(severity, 3), **_place(tree, node)}
        )
    sick.tree = tree


def occlude(rng: np.random.Generator, sick: Diseased, grid: Grid) -> None:
    """Close one vessel of 0.5 to 1.2 mm radius: nothing behind it is seen or labelled."""
    tree = sick.tree
    nodes = _visible(tree, grid, (0.5, 1.2))
    if not len(nodes):
        return
    node = int(rng.choice(nodes))
    gone = np.zeros(len(tree.parent), bool)
    gone[node] = True
    for later in range(node + 1, len(gone)):
        gone[later] = tree.parent[later] >= 0 and gone[tree.parent[later]]
    sick.findings.append({"kind": "occlusion", **_place(tree, node)})
    rank = np.cumsum(~gone) - 1
    parent = np.where(tree.parent < 0, -1, rank[np.maximum(tree.parent, 0)])[~gone]
    vessel = None if tree.vessel is None else tree.vessel[~gone]
    sick.tree = Tree(tree.points[~gone], tree.radius[~gone], parent, tree.kind[~gone], vessel)
    sick.flow = sick.flow[~gone]


def bulge(rng: np.random.Generator, sick: Diseased, grid: Grid) -> None:
    """Add a saccular aneurysm of 1.8 to 4 mm radius at a bifurcation of a thick vessel."""
    tree = sick.tree
    forks = np.flatnonzero(
        np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree.parent)) > 1
    )
    nodes = np.intersect1d(forks, _visible(tree, grid, (0.8, 2.2)))
    if not len(nodes):
        return
    node = int(rng.choice(nodes))
    size = float(rng.uniform(1.8, 4.0))
    onward = unit(tree.points[node] - tree.points[tree.parent[node]])
    outward = unit(onward + 0.5 * rng.normal(size=3))
    dome = tree.points[node] + outward * (tree.radius[node] * 0.6 + size)
    neck = dome - outward * 0.15 * size
    last = len(tree.parent)
    sick.tree = Tree(
        np.concatenate([tree.points, [neck, dome]]),
        np.r_[tree.radius, 0.6 * size, size],
        np.r_[tree.parent, node, last],
        np.r_[tree.kind, ANEURYSM, ANEURYSM],
        None if tree.vessel is None else np.r_[tree.vessel, tree.vessel[[node, node]]],
    )
    # Blood swirls slowly in a sac, and loses signal.
    sick.flow = np.r_[sick.flow, 0.8, 0.75]
    sick.findings.append({"kind": "aneurysm", "radius_mm": round(size, 2), **_place(tree, node)})


def _place(tree: Tree, node: int) -> dict[str, Any]:
    return {
        "at_mm": np.round(tree.points[node], 2).tolist(),
        "vessel_radius_mm": round(float(tree.radius[node]), 3),
    }
