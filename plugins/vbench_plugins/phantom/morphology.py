"""Measures the shape of vessel trees: centre lines in, percentiles of their branches out.

The same code measures traced brains and phantoms, so that the one can be held to the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vbench.markdown import table as rows_of
from vbench.masks.lengths import below, within
from vbench.types import Array
from vbench_plugins.phantom.swc import Tree

#: Directions and radii at a bifurcation are taken over this length of each branch, in mm.
REACH = 3.0
#: Branches shorter than this, in mm, count in depth and length but in no branch statistic.
SHORT = 3.0


class Percentiles(NamedTuple):
    """How a quantity is spread: number of values, and percentiles in the quantity's unit."""

    n: int
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float


#: Arteries of 51 traced brains (left and right ACA, MCA and PCA trees with radii): BraVa, Wright
#: et al. 2013, doi:10.1016/j.neuroimage.2013.05.089. Keys and units as in :func:`measure`.
BRAVA: Mapping[str, Percentiles] = {
    "node radius (mm)": Percentiles(51, 0.37, 0.44, 0.50, 0.57, 0.85),
    "total length per brain (mm)": Percentiles(51, 5335, 6373, 6946, 7464, 8544),
    "bifurcations per brain": Percentiles(51, 73, 91, 102, 114, 147),
    "tips per brain": Percentiles(51, 75, 93, 104, 116, 149),
    "branch length (mm)": Percentiles(51, 6.0, 14.5, 26.3, 46.5, 85),
    "branch length / radius": Percentiles(51, 8, 27, 52, 95, 178),
    "tortuosity": Percentiles(51, 1.06, 1.20, 1.43, 1.81, 2.69),
    "angle between children (deg)": Percentiles(51, 19, 42, 62, 84, 119),
    "larger parent-child angle (deg)": Percentiles(51, 31, 52, 70, 91, 122),
    "smaller parent-child angle (deg)": Percentiles(51, 9, 23, 36, 54, 84),
    "child radius ratio": Percentiles(51, 0.50, 0.73, 0.84, 0.93, 0.99),
    "Murray ratio": Percentiles(51, 0.54, 0.92, 1.29, 1.85, 3.75),
    "depth of a tip (branches)": Percentiles(51, 5, 8, 10, 12, 15),
}


@dataclass(frozen=True)
class Branch:
    """A run of nodes from a root or bifurcation to the next bifurcation or tip.

    Attributes:
        nodes: Node indices, the starting bifurcation first.
        parent: Index of the branch that it springs from, -1 for none.
        depth: How many branches lead from the root to its end, itself included.
    """

    nodes: Array
    parent: int
    depth: int


def branches(tree: Tree) -> list[Branch]:
    """Cut a tree at its bifurcations; a parent branch precedes its children."""
    children: list[list[int]] = [[] for _ in tree.parent]
    roots: list[int] = []
    for node, up in enumerate(tree.parent):
        (roots if up < 0 else children[up]).append(node)
    found: list[Branch] = []
    # What waits: start node, first node after it, parent branch, depth of the parent branch.
    waiting = [(root, nxt, -1, 0) for root in roots for nxt in children[root]]
    while waiting:
        start, node, up, depth = waiting.pop()
        nodes = [start, node]
        while len(children[node]) == 1:
            node = children[node][0]
            nodes.append(node)
        found.append(Branch(np.asarray(nodes), up, depth + 1))
        this = len(found) - 1
        waiting.extend((node, nxt, this, depth + 1) for nxt in children[node])
    return found


def _length(points: Array) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _end(tree: Tree, nodes: Array) -> tuple[Array, float]:
    """Return the direction from the first node, over REACH mm, and the mean radius there."""
    points = tree.points[nodes]
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    last = max(1, min(int(below(along, REACH).sum()), len(nodes) - 1))
    step = points[last] - points[0]
    return step / max(float(np.linalg.norm(step)), 1e-9), float(
        tree.radius[nodes[1 : last + 1]].mean()
    )


def _angle(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1.0, 1.0))))


def measure(trees: Sequence[Tree]) -> dict[str, Percentiles]:
    """Measure brains; each is one :class:`Tree` (one SWC file), with one or several roots.

    Quantities of branches, nodes and bifurcations are pooled over the brains; those "per brain"
    have one value each. Directions and radii at a bifurcation are means over the adjacent 3 mm. A
    parent-child angle is 0 where the vessel goes straight on; tortuosity is length / chord; the
    Murray ratio is (r1³ + r2³) / r_parent³. Where a node has three children or more, its two
    largest count.

    Returns:
        Quantity with its unit to percentiles, keyed as :data:`BRAVA`; quantities without any
        value are left out.
    """
    values: dict[str, list[float]] = {name: [] for name in BRAVA}
    for tree in trees:
        runs = branches(tree)
        values["node radius (mm)"].extend(tree.radius.tolist())
        lengths = [_length(tree.points[run.nodes]) for run in runs]
        values["total length per brain (mm)"].append(sum(lengths))
        offspring: dict[int, list[int]] = {}
        for index, run in enumerate(runs):
            offspring.setdefault(run.parent, []).append(index)
        tips = [run for index, run in enumerate(runs) if index not in offspring]
        values["tips per brain"].append(len(tips))
        values["depth of a tip (branches)"].extend(run.depth for run in tips)
        forks = {up: kids for up, kids in offspring.items() if up >= 0}
        values["bifurcations per brain"].append(len(forks))
        for run, length in zip(runs, lengths, strict=True):
            if not within(length, SHORT):
                chord = np.linalg.norm(tree.points[run.nodes[-1]] - tree.points[run.nodes[0]])
                values["branch length (mm)"].append(length)
                values["branch length / radius"].append(length / tree.radius[run.nodes].mean())
                values["tortuosity"].append(length / max(float(chord), 1e-9))
        for up, kids in forks.items():
            _fork(tree, runs[up], [runs[kid] for kid in kids], values)
    return {name: _percentiles(found) for name, found in values.items() if found}


def _fork(tree: Tree, up: Branch, kids: list[Branch], values: dict[str, list[float]]) -> None:
    """Add the angles and radii of one bifurcation."""
    back, r0 = _end(tree, up.nodes[::-1])
    ends = sorted((_end(tree, kid.nodes) for kid in kids), key=lambda end: -end[1])[:2]
    (d1, r1), (d2, r2) = ends
    turns = sorted((_angle(-back, d1), _angle(-back, d2)))
    values["angle between children (deg)"].append(_angle(d1, d2))
    values["smaller parent-child angle (deg)"].append(turns[0])
    values["larger parent-child angle (deg)"].append(turns[1])
    values["child radius ratio"].append(r2 / r1)
    values["Murray ratio"].append((r1**3 + r2**3) / r0**3)


def _percentiles(values: list[float]) -> Percentiles:
    return Percentiles(len(values), *np.percentile(values, [5, 25, 50, 75, 95]).tolist())


def markdown(table: Mapping[str, Percentiles], reference: Mapping[str, Percentiles] = BRAVA) -> str:
    """Write a table as Markdown: per quantity its percentiles, those of the reference below."""
    header = ["quantity", "of", "n", "p5", "p25", "p50", "p75", "p95"]
    rows = []
    for name, row in table.items():
        rows.append([name, "measured", str(row.n), *_cells(row)])
        if name in reference:
            rows.append(["", "reference", "", *_cells(reference[name])])
    return "\n".join(rows_of(header, rows)) + "\n"


def _cells(row: Percentiles) -> list[str]:
    return [f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}" for value in row[1:]]
