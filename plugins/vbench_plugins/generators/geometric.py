"""Procedural vessels in randomised images: labelled patches without any patient data.

The domain-randomisation baseline (as in SynthSeg, arXiv 2107.09559): contrast, background, noise,
blur and bias are drawn so widely that a real scan is one more draw. Nothing is learnt, so nothing
can leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, images_shape, join_patches
from vbench.types import Array, Patches, Progress, Setup, Weights
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
    classes = "any"
    channels = "any"
    learns = "nothing"
    Params = GeometricParams
    tiny: ClassVar[Mapping[str, Any]] = {"vessels": 1.0}

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn nothing: the patches are ignored."""
        yield Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Array:
        """Draw patches, each with its own random generator."""
        made = empty_patches(n, self.setup.size, self.setup.contrasts)
        for index in range(n):
            made[index] = draw(self.params, self.setup, numpy_rng(seed, SAMPLE, index))
        return made

    def weights(self) -> Weights:
        """Return an empty table."""
        return {}

    def load_weights(self, weights: Weights) -> None:
        """Take over nothing."""


def draw(p: GeometricParams, setup: Setup, rng: np.random.Generator) -> Array:
    """Draw one labelled patch, ``(contrasts + 1, *size)``; a 2D one is a plane through 3D vessels.

    With several classes each branch of a vessel has a class of its own, drawn at random; faint
    vessels have one where a class is called ``vein`` or ``veins``, and else none. Further contrasts
    show the same vessels on another ground, brighter or darker than it.
    """
    size = setup.size
    block = size if len(size) == 3 else (*size, 1)
    background = rng.uniform(*p.background)
    image = background + rng.uniform(*p.texture) * _smooth(block, rng.uniform(1, 4), rng)
    label = np.zeros(block, np.uint8)
    seen: list[Array] = []
    faint, named = _classes(setup)
    kinds = [(p.veins, p.vein_contrast, faint), (p.vessels, p.contrast, named)]
    for mean, contrast, classes in kinds:
        for _ in range(rng.poisson(mean)):
            vessel = _vessel(p, block, rng)
            filled, part = _fill(vessel, block)
            # Blood is slow in thin vessels, and gives less signal there.
            flow = 1 - np.exp(-vessel.radii.max() / p.slow_below)
            image += filled * flow * rng.uniform(*contrast)
            seen.append(filled * flow)
            if classes:
                _mark(label, filled > 0.5, part, classes, rng)
    image = _scanned(p, image, rng)
    images = [image, *(_again(p, seen, block, rng) for _ in setup.channels[1:])]
    if rng.random() < p.border:
        outside = _smooth(block, 4.0, rng) + 2 * rng.normal() * _ramp(block, rng) > 0.5
        for each in images:
            each[outside] = 0
        label[outside] = 0
    shape = images_shape(1, size, setup.contrasts)
    stacked = 2 * np.clip(np.stack(images), 0, 1) - 1
    return join_patches(stacked.reshape(shape), label.reshape(1, *size))[0]


def _classes(setup: Setup) -> tuple[list[int], list[int]]:
    """Return the classes of faint vessels, and those of the others."""
    index = list(range(1, setup.classes + 1))
    if setup.classes == 1:
        return [], index
    faint = [k for k in index if setup.labels[k - 1].lower() in ("vein", "veins")]
    return faint, [k for k in index if k not in faint]


def _mark(
    label: Array, where: Array, part: Array, classes: list[int], rng: np.random.Generator
) -> None:
    """Mark a vessel, in place: each of its branches with a class; what lies there keeps its own.

    With one class there is nothing to draw, and it is marked all over.
    """
    if len(classes) == 1:
        label[where] = classes[0]
        return
    drawn = rng.choice(classes, 1 + int(part.max(initial=0))).astype(np.uint8)
    free = where & (label == 0)
    label[free] = drawn[part[free]]


def _scanned(p: GeometricParams, image: Array, rng: np.random.Generator) -> Array:
    """Add a bias field, blur and noise."""
    slope = rng.normal(size=3)
    slope *= rng.uniform(*p.bias) / np.linalg.norm(slope)
    places = [np.linspace(-0.5, 0.5, n) if n > 1 else np.zeros(1) for n in image.shape]
    image *= 1 + sum(s * x for s, x in zip(slope, np.ix_(*places), strict=True))
    blurred = _blurred(image, rng.uniform(*p.blur))
    return blurred + rng.uniform(*p.noise) * rng.normal(size=image.shape)


def _again(
    p: GeometricParams, seen: list[Array], block: tuple[int, ...], rng: np.random.Generator
) -> Array:
    """Return the same vessels in another contrast: all brighter than the ground, or all darker."""
    dark = bool(rng.random() < 0.5)
    ground = rng.uniform(*p.contrast) if dark else rng.uniform(*p.background)
    image = ground + rng.uniform(*p.texture) * _smooth(block, rng.uniform(1, 4), rng)
    for filled in seen:
        change = rng.uniform(*p.contrast)
        image += filled * (max(-change, -ground) if dark else change)
    return _scanned(p, image, rng)


class Vessel(NamedTuple):
    """A vessel with its branches.

    Attributes:
        points: ``(k, 3)`` in voxels.
        radii: ``(k,)`` in voxels.
        parts: The branch that each point belongs to ``(k,)``; 0 is the trunk.
    """

    points: Array
    radii: Array
    parts: Array


def _vessel(p: GeometricParams, block: tuple[int, ...], rng: np.random.Generator) -> Vessel:
    """Walk a vessel through the block, with branches."""
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
    parts = np.repeat(np.arange(len(all_points)), [len(each) for each in all_points])
    return Vessel(np.concatenate(all_points), np.concatenate(all_radii), parts)


def _walk(
    start: Array, heading: Array, length: float, bending: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Walk with a heading that changes a little at every step."""
    steps = max(2, int(length / _STEP))
    headings = heading + np.cumsum(bending * rng.normal(size=(steps, 3)), axis=0)
    headings /= np.linalg.norm(headings, axis=1, keepdims=True)
    return start + _STEP * np.cumsum(headings, axis=0), headings


def _fill(vessel: Vessel, block: tuple[int, ...]) -> tuple[Array, Array]:
    """Return how much of each voxel the vessel fills, 0 to 1, and by which of its branches."""
    from scipy.spatial import cKDTree

    points, radii, parts = vessel
    near = (points > -radii.max() - 1).all(1) & (points < np.array(block) + radii.max() + 1).all(1)
    filled, part = np.zeros(block), np.zeros(block, int)
    if not near.any():
        return filled, part
    points, radii, parts = points[near], radii[near], parts[near]
    places = np.moveaxis(np.indices(block), 0, -1).reshape(-1, 3) + 0.5
    distance, index = cKDTree(points).query(places, distance_upper_bound=radii.max() + 1)
    found = np.isfinite(distance)
    share = radii[index[found]] - distance[found] + 0.5
    filled.reshape(-1)[found] = np.clip(share, 0, 1)
    part.reshape(-1)[found] = parts[index[found]]
    return filled, part


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
