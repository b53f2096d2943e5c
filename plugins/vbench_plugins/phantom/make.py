"""Make one phantom subject: tree, veins, head, image, label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import brain, contrasts, image, names, pathology, render, tissue
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
        t1: The same head T1-weighted, float32 ``(X, Y, Z)``; None unless it was asked for.
        label: bool ``(X, Y, Z)``; where it tells vessels apart, uint8, the values of
            :func:`names.classes`.
        mask: bool ``(X, Y, Z)``.
        grid: Where the voxels lie.
        tree: All arteries of the head in world coordinates, mm.
        truth: The same and the draws, ready for JSON.
    """

    image: Array
    t1: Array | None
    label: Array
    mask: Array
    grid: render.Grid
    tree: Tree
    truth: dict[str, Any]


def streams(seed: tuple[int, ...]) -> list[np.random.Generator]:
    """Return generators for the parts of one subject, so that no part shifts another's draws."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(9)]


def make(params: Any, scanner: Scanner, seed: tuple[int, ...]) -> Made:
    """Make one subject.

    Args:
        params: The parameters of the data source.
        scanner: The site, with all overrides.
        seed: Names the subject.
    """
    parts = streams(seed)
    shape_rng, artery_rng, vein_rng, tissue_rng, signal_rng, scan_rng, sick_rng = parts[:7]
    third_rng, t1_rng = parts[7:]
    warp = brain.draw_warp(shape_rng)
    origin = tuple(
        c - (n - 1) / 2 * s
        for c, n, s in zip(params.centre, params.shape, scanner.spacing, strict=True)
    )
    grid = render.Grid(tuple(params.shape), scanner.spacing, origin)
    third = third_rng if third_rng.random() < params.third_a2 else None
    tree = arteries(artery_rng, variants=params.variants, third=third)
    tree = tree.moved(warp.to_world(tree.points))
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
    drained = veins(vein_rng, Growth()) if params.veins else Tree.empty()
    drained = drained.moved(warp.to_world(drained.points))
    seen = render.paint(drained, venous_signal(drained, scanner), grid)
    tissue.add_clots(sick_rng, head, grid, int(sick_rng.poisson(scanner.bleeds)))
    scan = image.compose(scan_rng, head, painted, seen, field, scanner)
    t1 = None
    if params.t1:
        again = streams(seed)[3]
        t1 = contrasts.t1_image(again, t1_rng, painted, seen, field, warp, scanner)
    label = painted.fraction >= params.label_fraction
    if params.classes:
        label = _named(label, seen.fraction >= params.label_fraction, tree, grid, params.classes)
    if params.masked:
        label *= mask
    truth: dict[str, Any] = {
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
    if params.classes and tree.vessel is not None:
        truth["tree"]["vessel"] = tree.vessel.tolist()
    return Made(scan, t1, label, mask, grid, tree, truth)


def _named(
    arterial: Array, venous: Array, tree: Tree, grid: render.Grid, apart: Sequence[names.Apart]
) -> Array:
    """Return the label map, uint8: arteries by name, and veins where they are told apart.

    Args:
        arterial: The voxels of arteries, bool.
        venous: Those of veins, bool; an artery in the same voxel lies over them.
        tree: The arteries.
        grid: The voxels.
        apart: What is told apart.
    """
    vessel = np.full(len(tree.radius), "") if tree.vessel is None else tree.vessel
    value = names.values(vessel, apart, tree.kind == pathology.ANEURYSM)
    label = render.name_voxels(tree, value, grid) * arterial
    if "veins" in apart:
        label[venous & ~arterial] = names.classes(apart)[names.VEIN]
    return label
