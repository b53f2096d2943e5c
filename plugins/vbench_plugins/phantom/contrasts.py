"""Further contrasts of the same head: what a site scans beside its TOF-MRA."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import brain, image, tissue
from vbench_plugins.phantom.fields import Coarse
from vbench_plugins.phantom.render import Painted
from vbench_plugins.phantom.scanners import Scanner

#: Intensities of a T1-weighted spin echo without contrast agent, grey matter 100: white matter
#: above grey, fluid dark, and blood black, since it has left the slice before its echo.
T1: dict[str, Any] = {
    "grey": 100.0, "white": 135.0, "csf": 38.0, "skull": 20.0, "fat": 320.0, "marrow": 210.0,
    "blood": 22.0, "vein": 30.0,
}  # fmt: skip


def t1_scanner(scanner: Scanner) -> Scanner:
    """Return how a site's T1-weighted scan looks: its bias field, blur and noise; no slabs."""
    return replace(scanner, **T1, seam=0.0, saturation=0.0)


def t1_image(
    tissue_rng: np.random.Generator,
    scan_rng: np.random.Generator,
    arteries: Painted,
    veins: Painted,
    field: Coarse,
    warp: brain.Warp,
    scanner: Scanner,
) -> Array:
    """Scan a head once more, T1-weighted: float32 ``(X, Y, Z)``, ≥ 0, registered with the first.

    Args:
        tissue_rng: As it was before the head was made first, so that the folds are the same.
        scan_rng: Draws bias field and noise.
        arteries: As the first scan has them; only where they are counts.
        veins: Likewise.
        field: The grids.
        warp: How the head lies.
        scanner: The site as this subject sees it.
    """
    weighted = t1_scanner(scanner)
    head, _ = tissue.head(tissue_rng, field, warp, weighted)
    return image.compose(
        scan_rng,
        head,
        _filled(arteries, weighted.blood),
        _filled(veins, weighted.vein),
        field,
        weighted,
    )


def _filled(painted: Painted, signal: float) -> Painted:
    """Fill vessels with blood of one signal."""
    return Painted(painted.fraction, painted.fraction * np.float32(signal))
