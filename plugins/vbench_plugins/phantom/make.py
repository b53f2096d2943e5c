"""Make one phantom subject: tree, veins, head, image, label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import brain, image, pathology, render, tissue
from vbench_plugins.phantom.blood import blood_signal
from vbench_plugins.phantom.fields import coarse
from vbench_plugins.phantom.growth import Growth
from vbench_plugins.phantom.scanners import VARIED, Scanner, vary
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.tree import arteries
from vbench_plugins.phantom.veins import veins, venous_signal


@dataclass(frozen=True)
class Made:
    """A subject and its truth.

    Attributes:
        image: float32 ``(X, Y, Z)``.
        label: bool ``(X, Y, Z)``.
        mask: bool ``(X, Y, Z)``.
        grid: Where the voxels lie.
        tree: All arteries of the head in world coordinates, mm.
        truth: The same and the draws, ready for JSON.
    """

    image: Array
    label: Array
    mask: Array
    grid: render.Grid
    tree: Tree
    truth: dict[str, Any]


def _moved(tree: Tree, warp: brain.Warp) -> Tree:
    return Tree(warp.to_world(tree.points), tree.radius, tree.parent, tree.kind)


def streams(seed: tuple[int, ...]) -> list[np.random.Generator]:
    """Return generators for the parts of one subject, so that no part shifts another's draws."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(7)]


def make(params: Any, scanner: Scanner, seed: tuple[int, ...]) -> Made:
    """Make one subject.

    Args:
        params: The parameters of the data source.
        scanner: The site, with all overrides.
        seed: Names the subject.
    """
    shape_rng, artery_rng, vein_rng, tissue_rng, signal_rng, scan_rng, sick_rng = streams(seed)
    warp = brain.draw_warp(shape_rng)
    origin = tuple(
        c - (n - 1) / 2 * s
        for c, n, s in zip(params.centre, params.shape, scanner.spacing, strict=True)
    )
    grid = render.Grid(tuple(params.shape), scanner.spacing, origin)
    tree = _moved(arteries(artery_rng, variants=params.variants), warp)
    scanner = vary(signal_rng, scanner)
    sick = pathology.healthy(tree)
    pathology.stenose(sick_rng, sick, grid, int(sick_rng.poisson(scanner.stenoses)))
    if params.occlusion:
        pathology.occlude(sick_rng, sick, grid)
    if params.aneurysm:
        pathology.bulge(sick_rng, sick, grid)
    tree = sick.tree
    field = coarse(grid)
    head, mask = tissue.head(tissue_rng, field, warp, scanner)
    signal = blood_signal(signal_rng, tree, sick.flow, grid, scanner)
    painted = render.paint(tree, signal, grid)
    dark = Tree(np.zeros((0, 3)), np.zeros(0), np.zeros(0, int), np.zeros(0, int))
    drained = _moved(veins(vein_rng, Growth()), warp) if params.veins else dark
    seen = render.paint(drained, venous_signal(drained, scanner), grid)
    tissue.add_clots(sick_rng, head, grid, int(sick_rng.poisson(scanner.bleeds)))
    scan = image.compose(scan_rng, head, painted, seen, field, scanner)
    label = painted.fraction >= params.label_fraction
    if params.masked:
        label &= mask
    truth = {
        "seed": list(seed),
        "drawn": {name: round(float(getattr(scanner, name)), 4) for name in VARIED},
        "findings": sick.findings,
        "tree": {
            "points_mm": np.round(tree.points, 2).tolist(),
            "radius_mm": np.round(tree.radius, 3).tolist(),
            "parent": tree.parent.tolist(),
            "kind": tree.kind.tolist(),
        },
    }
    return Made(scan, label, mask, grid, tree, truth)
