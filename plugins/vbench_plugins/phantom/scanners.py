"""The two scanners: everything of an image that a site decides, with units, as one table each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Scanner:
    """How a site's TOF-MRA looks. Intensities are relative to grey matter = 100.

    Attributes:
        spacing: Voxel edge lengths, mm.
        grey, white, csf, skull, fat, marrow: Tissue intensities.
        blood: Intensity of fresh, fast arterial blood.
        vein: Intensity of venous blood.
        slow: Exponent of the signal loss in thin vessels: (radius / 1.3 mm) ** slow.
        inflow: Length of vessel over which blood loses 63 % of its inflow enhancement, mm.
        scatter: Standard deviation of the logarithm of the speed of branches.
        turbulence: Share of the signal that is lost at a right-angled bend.
        slab: Thickness of an imaging slab, mm.
        saturation: Share of the blood's signal that is lost from a slab's bottom to its top.
        seam: Step of all signal at a slab boundary, share.
        blur: Standard deviation of the point spread, voxels.
        bias: Standard deviation of the logarithm of the bias field.
        noise: Standard deviation of the complex noise.
        ghost: Intensity of motion ghosts, share of the vessel signal.
        stenoses: Mean number of stenoses per subject.
        bleeds: Mean number of bright clots per subject; they are not vessels.
        variation: Standard deviation of the logarithm of what differs from subject to subject.
    """

    spacing: tuple[float, float, float]
    grey: float
    white: float
    csf: float
    skull: float
    fat: float
    marrow: float
    blood: float
    vein: float
    slow: float
    inflow: float
    scatter: float
    turbulence: float
    slab: float
    saturation: float
    seam: float
    blur: float
    bias: float
    noise: float
    ghost: float
    stenoses: float
    bleeds: float
    variation: float


SCANNERS: dict[str, Scanner] = {
    "a": Scanner(
        spacing=(0.7, 0.7, 0.7),
        grey=100.0, white=118.0, csf=62.0, skull=25.0, fat=330.0, marrow=230.0,
        blood=800.0, vein=240.0, slow=0.6, inflow=260.0, scatter=0.15, turbulence=0.4,
        slab=45.0, saturation=0.35, seam=0.04,
        blur=0.45, bias=0.15, noise=9.0, ghost=0.01,
        stenoses=0.0, bleeds=0.0, variation=0.1,
    ),
    "b": Scanner(
        spacing=(0.6, 0.6, 0.9),
        grey=100.0, white=104.0, csf=74.0, skull=30.0, fat=260.0, marrow=190.0,
        blood=950.0, vein=190.0, slow=1.05, inflow=220.0, scatter=0.15, turbulence=0.4,
        slab=28.0, saturation=0.4, seam=0.08,
        blur=0.5, bias=0.2, noise=10.0, ghost=0.02,
        stenoses=1.5, bleeds=1.5, variation=0.1,
    ),
}  # fmt: skip

#: What differs from subject to subject at one site, and how strongly.
VARIED: dict[str, float] = {
    "blood": 1.0,
    "vein": 0.6,
    "inflow": 1.0,
    "slow": 0.7,
    "saturation": 1.0,
    "bias": 0.7,
    "noise": 1.2,
    "blur": 0.8,
    "ghost": 2.0,
    "csf": 0.5,
    "white": 0.2,
}


def vary(rng: np.random.Generator, scanner: Scanner) -> Scanner:
    """Draw how one subject looks at a site: each of ``VARIED`` times a log-normal factor."""
    drawn = {
        name: getattr(scanner, name) * float(np.exp(strength * scanner.variation * rng.normal()))
        for name, strength in VARIED.items()
    }
    return replace(scanner, **drawn)
