"""Procedural vessels in randomised images: labelled patches without any patient data.

The domain-randomisation baseline (as in SynthSeg, arXiv 2107.09559): contrast, background, noise,
blur and bias are drawn so widely that a real scan is one more draw. Nothing is learnt, so nothing
can leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, join_patches
from vbench.types import Array, Patches, Progress, Weights
from vbench_plugins.nn.seeding import SAMPLE, numpy_rng

#: Length of one step along a vessel, in voxels.
_STEP = 0.5


class GeometricParams(Params):
    """Parameters of :class:`Geometric`; each patch draws from every range again."""

    vessels: float = param(1.5, "Mean number of vessels that cross a patch", tune=(0.5, 3.0), ge=0)
    radius: float = param(1.0, "Median vessel radius", unit="voxels", tune=(0.7, 1.5), gt=0)
    radius_spread: float = param(0.6, "Spread of the logarithm of the radius", ge=0)
    bending: float = param(0.12, "Spread of the change of direction at each half voxel", ge=0)
    branching: float = param(0.6, "Mean number of branches per vessel", ge=0)
    veins: float = param(0.3, "Mean number of faint, unlabelled vessels per patch", ge=0)
    border: float = param(0.25, "Share of patches that the brain's border cuts", ge=0, le=1)
    background: tuple[float, float] = param((0.03, 0.25), "Background, of the range 0 to 1")
    contrast: tuple[float, float] = param((0.3, 1.1), "Wide vessel over background")
    vein_contrast: tuple[float, float] = param((0.03, 0.15), "Vein over background")
    slow_below: float = param(0.8, "Radius below which vessels are dim", unit="voxels", gt=0)
    texture: tuple[float, float] = param((0.005, 0.05), "Spread of the smooth background")
    bias: tuple[float, float] = param((0.0, 0.15), "Slope of the bias field across a patch")
    blur: tuple[float, float] = param((0.2, 0.7), "Sd of the point spread", unit="voxels")
    noise: tuple[float, float] = param((0.005, 0.03), "Sd of the noise")


class Geometric(Generator):
    """Random trees of tubes, each patch drawn on its own."""

    name = "geometric"
    learns = "nothing"
    Params = GeometricParams
    tiny: ClassVar[Mapping[str, Any]] = {"vessels": 1.0}

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn nothing: the patches are ignored."""
        yield Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Array:
        """Draw patches, each with its own random generator."""
        made = empty_patches(n, self.setup.size)
        for index in range(n):
            made[index] = draw(self.params, self.setup.size, numpy_rng(seed, SAMPLE, index))
        return made

    def weights(self) -> Weights:
        """Return an empty table."""
        return {}

    def load_weights(self, weights: Weights) -> None:
        """Take over nothing."""


def draw(p: GeometricParams, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw one labelled patch, ``(channels, *size)``; a 2D patch is a plane through 3D vessels."""
    block = size if len(size) == 3 else (*size, 1)
    background = rng.uniform(*p.background)
    image = background + rng.uniform(*p.texture) * _smooth(block, rng.uniform(1, 4), rng)
    label = np.zeros(block, bool)
    kinds = [(p.veins, p.vein_contrast, False), (p.vessels, p.contrast, True)]
    for mean, contrast, labelled in kinds:
        for _ in range(rng.poisson(mean)):
            vessel = _vessel(p, block, rng)
            filled = _fill(vessel, block)
            # Blood is slow in thin vessels, and gives less signal there.
            flow = 1 - np.exp(-vessel[1].max() / p.slow_below)
            image += filled * flow * rng.uniform(*contrast)
            if labelled:
                label |= filled > 0.5
    slope = rng.normal(size=3)
    slope *= rng.uniform(*p.bias) / np.linalg.norm(slope)
    places = [np.linspace(-0.5, 0.5, n) if n > 1 else np.zeros(1) for n in block]
    image *= 1 + sum(s * x for s, x in zip(slope, np.ix_(*places), strict=True))
    image = _blurred(image, rng.uniform(*p.blur)) + rng.uniform(*p.noise) * rng.normal(size=block)
    if rng.random() < p.border:
        outside = _smooth(block, 4.0, rng) + 2 * rng.normal() * _ramp(block, rng) > 0.5
        image[outside], label[outside] = 0, False
    parts = (2 * np.clip(image, 0, 1) - 1, label)
    return join_patches(*(part.reshape(1, *size) for part in parts))[0]


def _vessel(
    p: GeometricParams, block: tuple[int, ...], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Walk a vessel through the block, with branches: points ``(k, 3)`` and their radii."""
    radius = p.radius * np.exp(p.radius_spread * rng.normal())
    heading = rng.normal(size=3)
    heading /= np.linalg.norm(heading)
    inside = rng.uniform(0, 1, 3) * block
    length = 1.2 * max(block)
    points, headings = _walk(inside - heading * length / 2, heading, length, p.bending, rng)
    all_points, all_radii = [points], [np.full(len(points), radius)]
    for _ in range(rng.poisson(p.branching)):
        at = rng.integers(len(points))
        aside = headings[at] + rng.uniform(0.5, 1.5) * rng.normal(size=3)
        branch, _ = _walk(points[at], aside / np.linalg.norm(aside), length / 2, p.bending, rng)
        all_points.append(branch)
        all_radii.append(np.full(len(branch), radius * rng.uniform(0.5, 0.9)))
    return np.concatenate(all_points), np.concatenate(all_radii)


def _walk(
    start: Array, heading: Array, length: float, bending: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Walk with a heading that changes a little at every step."""
    steps = max(2, int(length / _STEP))
    headings = heading + np.cumsum(bending * rng.normal(size=(steps, 3)), axis=0)
    headings /= np.linalg.norm(headings, axis=1, keepdims=True)
    return start + _STEP * np.cumsum(headings, axis=0), headings


def _fill(vessel: tuple[Array, Array], block: tuple[int, ...]) -> Array:
    """Return how much of each voxel the vessel fills, 0 to 1."""
    from scipy.spatial import cKDTree

    points, radii = vessel
    near = (points > -radii.max() - 1).all(1) & (points < np.array(block) + radii.max() + 1).all(1)
    filled = np.zeros(block)
    if not near.any():
        return filled
    points, radii = points[near], radii[near]
    places = np.moveaxis(np.indices(block), 0, -1).reshape(-1, 3) + 0.5
    distance, index = cKDTree(points).query(places, distance_upper_bound=radii.max() + 1)
    found = np.isfinite(distance)
    share = radii[index[found]] - distance[found] + 0.5
    filled.reshape(-1)[found] = np.clip(share, 0, 1)
    return filled


def _smooth(block: tuple[int, ...], width: float, rng: np.random.Generator) -> Array:
    """Return a smooth random field of unit spread."""
    field = _blurred(rng.normal(size=block), width)
    return (field - field.mean()) / (field.std() + 1e-6)


def _ramp(block: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return a plane wave front through the block, -1 to 1 or less."""
    normal = rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    places = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in block]
    return sum(s * x for s, x in zip(normal, np.ix_(*places), strict=True))


def _blurred(image: Array, sd: float) -> Array:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(image, sd)
