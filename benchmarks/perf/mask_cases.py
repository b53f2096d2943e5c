"""Pairs of masks as tools for border distances are measured on, made here, as files give them.

The arteries are vessel trees in 512 × 512 × 100 voxels, of which two readers share more or less.
The others have the sizes, spacings and kinds of shape of the data that DisTorch publishes its
times for: SegTHOR (organs of a chest), OAI (cartilage of a knee) and WMH (lesions of a brain).
nibabel reads NIfTI in Fortran order and spacings as float32, so these are so, too.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

#: Where the trees begin, as shares of the volume's edges.
ROOTS = ((0.3, 0.6, 0.5), (0.7, 0.6, 0.5), (0.5, 0.25, 0.4), (0.45, 0.8, 0.6), (0.55, 0.8, 0.6))


@dataclass(frozen=True)
class Case:
    """A pair of masks, in Fortran order.

    Attributes:
        prediction: The one mask.
        truth: The other.
        spacing: Voxel edges in mm, float32.
    """

    prediction: Mask
    truth: Mask
    spacing: tuple[Any, ...]

    @property
    def inputs(self) -> str:
        """Say what it is, for a table."""
        p, t = (int(np.count_nonzero(m)) for m in (self.prediction, self.truth))
        both = int(np.count_nonzero(self.prediction & self.truth))
        shape = " × ".join(map(str, self.truth.shape))
        return f"{shape}, {p:,} and {t:,} voxels, DSC {2 * both / (p + t):.2f}, Fortran order"


def _case(prediction: Mask, truth: Mask, spacing: tuple[float, ...]) -> Case:
    edges = tuple(np.float32(s) for s in spacing)
    return Case(np.asfortranarray(prediction), np.asfortranarray(truth), edges)


def grow(
    mask: Mask,
    spacing: tuple[float, ...],
    seeds: list[Any],
    voxels: int,
    rng: np.random.Generator,
) -> None:
    """Draw tubes, each from a place on an earlier one, until the mask has this many voxels."""
    edges, extent = np.array(spacing), np.multiply(mask.shape, spacing)
    while np.count_nonzero(mask) < voxels:
        place = seeds[rng.integers(len(seeds))]
        heading = rng.normal(size=3)
        radius = rng.uniform(0.4, 1.6)
        for _ in range(rng.integers(100, 250)):
            heading += 0.1 * rng.normal(size=3)
            heading /= np.linalg.norm(heading)
            place = place + 0.4 * heading
            if (place < radius).any() or (place > extent - radius).any():
                break
            seeds.append(place)
            low = np.maximum(np.floor((place - radius) / edges).astype(int), 0)
            high = np.minimum(np.ceil((place + radius) / edges).astype(int) + 1, mask.shape)
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            grid = np.ogrid[box]
            away = sum((g * s - c) ** 2 for g, s, c in zip(grid, spacing, place, strict=True))
            mask[box] |= away <= radius**2


def arteries(voxels: int, shared: float = 0.8, shift: int = 1, seed: int = 0) -> Case:
    """Return two masks of vessel trees.

    Args:
        voxels: Of each mask, about.
        shared: The share of them that both have.
        shift: By how many voxels the shared part of the prediction is further on.
        seed: Of the shapes.
    """
    shape, spacing = (512, 512, 100), (0.47, 0.47, 0.8)
    rng = np.random.default_rng(seed)
    extent = np.multiply(shape, spacing)
    places = [extent * at for at in ROOTS]
    both = np.zeros(shape, bool)
    for number, place in enumerate(places, start=1):
        grow(both, spacing, [place], int(shared * voxels * number / len(places)), rng)
    truth, prediction = both.copy(), np.roll(both, shift, 0)
    for mask in (truth, prediction):
        starts = [extent * rng.uniform(0.2, 0.8, 3) for _ in range(40)]
        grow(mask, spacing, starts, voxels, rng)
    return _case(prediction, truth, spacing)


def _ball(shape: tuple[int, ...], centre: tuple[float, ...], radii: tuple[float, ...]) -> Mask:
    """Return an ellipsoid, in shares of the edges."""
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    away = sum(
        ((g / n - c) / r) ** 2 for g, n, c, r in zip(grid, shape, centre, radii, strict=True)
    )
    inside: Mask = away <= 1
    return inside


def _tube(
    shape: tuple[int, ...], path: Callable[[float], tuple[float, float]], radius: float
) -> Mask:
    """Return a tube along the last axis whose middle is where the path says."""
    out = np.zeros(shape, bool)
    x, y = np.ogrid[: shape[0], : shape[1]]
    for z in range(shape[2]):
        a, b = path(z / shape[2])
        out[:, :, z] = (x / shape[0] - a) ** 2 + (y / shape[1] - b) ** 2 <= radius**2
    return out


def segthor() -> Case:
    """Return a heart, an aorta and an oesophagus: 512 × 512 × 180 voxels of 0.98 × 0.98 × 2.5 mm.

    Scores of SegTHOR are per organ; here all are one mask, the heaviest case.
    """
    shape = (512, 512, 180)

    def organs(off: float) -> Mask:
        heart = _ball(shape, (0.55 + off, 0.4, 0.4), (0.13 - off, 0.11 + off, 0.24))
        aorta = _tube(shape, lambda z: (0.55 + 0.05 * z, 0.62 + off), 0.024 + off)
        gullet = _tube(shape, lambda z: (0.48 + off, 0.6 + 0.04 * np.sin(6 * z)), 0.012)
        return heart | aorta | gullet

    return _case(organs(0.006), organs(0.0), (0.98, 0.98, 2.5))


def oai() -> Case:
    """Return cartilage, two thin shells: 384 × 384 × 160 voxels of 0.36 × 0.36 × 0.7 mm."""
    shape = (384, 384, 160)

    def shells(off: float) -> Mask:
        outer = _ball(shape, (0.5, 0.35, 0.5), (0.22 + off, 0.24, 0.4))
        inner = _ball(shape, (0.5, 0.35, 0.5), (0.20, 0.22 + off, 0.37))
        femur = outer & ~inner
        femur[:, : int(0.4 * shape[1])] = False
        plate = _ball(shape, (0.5 + off, 0.63, 0.5), (0.2, 0.02, 0.38))
        return femur | plate

    return _case(shells(0.004), shells(0.0), (0.36, 0.36, 0.7))


def wmh() -> Case:
    """Return lesions, of which some are missed: 240 × 240 × 48 voxels of 1 × 1 × 3 mm."""
    shape = (240, 240, 48)
    rng = np.random.default_rng(0)
    masks = [np.zeros(shape, bool), np.zeros(shape, bool)]
    for number in range(90):
        centre = tuple(rng.uniform(0.25, 0.75, 3))
        radii = tuple(rng.uniform(0.006, 0.03, 3))
        for side, mask in enumerate(masks):
            if number % 6 != side:  # each misses every sixth
                moved = tuple(c + 0.004 * side for c in centre)
                mask |= _ball(shape, moved, radii)
    return _case(masks[0], masks[1], (1.0, 1.0, 3.0))


def _kept(name: str, make: Callable[[], Case]) -> Callable[[], Case]:
    """Return a call that makes a case once for all processes, while this file stays as it is."""

    @cache
    def load() -> Case:
        digest = hashlib.sha256(Path(__file__).read_bytes() + name.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"vbench-perf-{digest}.npz"
        if not path.is_file():
            made = make()
            bits = [np.packbits(mask) for mask in (made.prediction, made.truth)]
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
                np.savez(file, *bits, shape=made.truth.shape, spacing=made.spacing)
            Path(file.name).replace(path)
        with np.load(path) as kept:
            shape, spacing = tuple(kept["shape"]), tuple(kept["spacing"])
            masks = [
                np.unpackbits(kept[f"arr_{side}"], count=int(np.prod(shape))).view(bool)
                for side in (0, 1)
            ]
        return _case(masks[0].reshape(shape), masks[1].reshape(shape), spacing)

    return load


#: All cases by name.
CASES: dict[str, Callable[[], Case]] = {
    name: _kept(name, make)
    for name, make in {
        "arteries, DSC 0.58": lambda: arteries(60_000, 0.72, 1, 3),
        "arteries, 41 k voxels": lambda: arteries(40_000),
        "arteries, 81 k voxels": lambda: arteries(80_000),
        "SegTHOR-like": segthor,
        "OAI-like": oai,
        "WMH-like": wmh,
    }.items()
}
