"""The head without vessels: folded brain, ventricles, skull, fat, and clots where there are any."""

from __future__ import annotations

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import brain
from vbench_plugins.phantom.fields import Coarse, draw_waves, rise
from vbench_plugins.phantom.render import Grid
from vbench_plugins.phantom.scanners import Scanner

#: Half-width of a sulcus at the surface, mm, and the depth at which it has closed, mm.
SULCUS, SULCUS_DEPTH = 1.0, 10.0
#: Thickness of the grey matter's ribbon, mm.
RIBBON = 3.0


def head(
    rng: np.random.Generator, field: Coarse, warp: brain.Warp, scanner: Scanner
) -> tuple[Array, Array]:
    """Make the head without vessels.

    Sulci lie where a random field changes sign, down to about 10 mm below the surface.

    Returns:
        Its intensities float32 ``(X, Y, Z)``, and the brain mask, bool.
    """
    points = warp.to_template(field.points).astype(np.float32)
    folds = draw_waves(rng, 40, (13.0, 22.0))(field.grid)
    texture = draw_waves(rng, 40, (5.0, 12.0))(field.grid)
    rough = draw_waves(rng, 30, (18.0, 50.0))(field.grid)
    hull = field.fine(brain.envelope(points) + np.float32(1.2) * rough)
    depth = -np.maximum(
        brain.parenchyma(points) + np.float32(0.6) * rough, -brain.ventricles(points)
    )
    depth, texture = field.fine(depth), field.fine(texture)
    # Distance in mm to the wall of the nearest sulcus; the field's own slope is about 1 / 5 mm.
    wall = np.abs(field.fine(folds)) * np.float32(5.0)
    wall -= np.float32(SULCUS) * (
        1 - np.square(np.maximum(depth, 0) * np.float32(1 / SULCUS_DEPTH))
    )
    np.minimum(wall, depth, out=wall)
    image = rise(wall, 1.2) * np.float32(scanner.grey - scanner.csf)
    image += rise(wall - np.float32(RIBBON), 1.5) * np.float32(scanner.white - scanner.grey)
    image += np.float32(scanner.csf)
    image *= 1 + np.float32(0.05) * texture
    bone = field.fine(brain.marrow(points) + np.float32(1.2) * rough)
    image += rise(-bone, 1.5) * (
        np.float32(scanner.marrow) * (1 + np.float32(0.15) * texture) - image
    )
    outside = hull >= 0
    if outside.any():
        image[outside] = _shell(hull[outside], texture[outside], scanner)
    return image, ~outside


def _shell(hull: Array, texture: Array, scanner: Scanner) -> Array:
    """Skull, fat and air, by the distance to the brain in mm and an uneven field."""
    uneven = np.float32(0.4) * texture
    bone, fat = rise(hull - 1, 1.0), rise(hull - 6 - uneven, 1.5)
    air = rise(hull - 11 - 2 * uneven, 1.5)
    value = scanner.csf + bone * (scanner.skull - scanner.csf)
    value += fat * (scanner.fat * (0.8 + 0.1 * texture) - scanner.skull)
    shell: Array = value * (1 - air) + 4
    return shell


def add_clots(rng: np.random.Generator, head: Array, grid: Grid, count: int) -> None:
    """Add subacute clots, in place: ellipsoids of 1.5 to 5 mm half-axes, 1.6 to 2.6 as bright."""
    axes = grid.axes()
    for _ in range(count):
        centre = [rng.uniform(axis[0], axis[-1]) for axis in axes]
        half = rng.uniform(1.5, 5.0, 3)
        gain = float(rng.uniform(0.6, 1.6))
        cut = tuple(
            slice(*np.searchsorted(axis, [c - 2 * h, c + 2 * h]))
            for axis, c, h in zip(axes, centre, half, strict=True)
        )
        x, y, z = (
            (((axis[part] - c) / h) ** 2).astype(np.float32)
            for axis, c, h, part in zip(axes, centre, half, cut, strict=True)
        )
        distance = x[:, None, None] + y[:, None] + z
        head[cut] *= 1 + np.float32(gain) * rise(1 - distance, 0.8)
