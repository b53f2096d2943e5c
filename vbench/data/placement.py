"""Whether a label lies where its image has vessels, or would fit mirrored, turned or moved.

What counts is contrast beside the label: each voxel is compared with its surroundings, so neither
a bright organ elsewhere nor the falling sensitivity of a coil plays a part. Vessels may be bright
or dark. All shifts of a label are tried at once, as a correlation by Fourier transform.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage

from vbench.types import Array

#: Voxels that are searched at most; larger volumes are averaged over blocks of 2 × 2 × 2.
LARGEST = 2_000_000
#: Voxels along an axis that are not averaged any further.
SMALL = 32
#: A label that correlates with its image by this is where it belongs: no more is tried.
SURE = 0.6
#: It is elsewhere when the best place has this contrast, in standard deviations, at least,
STRONG = 0.5
#: by this factor more than where it is,
BETTER = 1.5
#: and by this factor more than places are that mean nothing.
ALONE = 2.0
#: A label that is moved by fewer voxels than this may be a matter of how it was drawn.
FAR = 3
#: Of places that are as good but for this share, the one that changes least is named.
TIE = 0.95
#: Sides of a volume in RAS, by axis.
SIDES = ("left and right", "front and back", "top and bottom")


@dataclass(frozen=True)
class Fit:
    """Where a label fits its image best.

    Attributes:
        axes: For each axis of the image, the axis of the label that is laid along it.
        flips: Which of these are then reversed.
        shift: By how many voxels it is then moved along each.
        here: Correlation of image and label where the label is.
        there: The same at the best place; below 0 where vessels are dark.
        contrast: By how many local standard deviations vessels differ there.
        chance: The correlation that a place which means nothing reaches, without its sign.
    """

    axes: tuple[int, ...]
    flips: tuple[bool, ...]
    shift: tuple[int, ...]
    here: float
    there: float
    contrast: float
    chance: float

    @property
    def better(self) -> bool:
        """Whether the label fits much better there than here."""
        return abs(self.contrast) >= STRONG and abs(self.there) >= BETTER * abs(self.here)

    @property
    def sure(self) -> bool:
        """Whether it does, no other place comes near, and it is more than a voxel or two away."""
        far = max(map(abs, self.shift)) >= FAR or self.changes > any(self.shift)
        return self.better and far and abs(self.there) >= ALONE * self.chance

    @property
    def changes(self) -> int:
        """How far the label has to be changed."""
        turned = sum(axis != place for place, axis in enumerate(self.axes))
        return 2 * turned + sum(self.flips) + any(self.shift)

    def __str__(self) -> str:
        """Say what has to be done to the label."""
        parts = []
        if self.axes != tuple(range(len(self.axes))):
            parts.append(f"with its axes in the order {self.axes}")
        if any(self.flips):
            sides = [side for side, flip in zip(SIDES, self.flips, strict=True) if flip]
            parts.append(f"with {' and '.join(sides)} exchanged")
        if any(self.shift):
            parts.append(f"moved by {self.shift} voxels")
        return ", ".join(parts)


def best_fit(image: Array, vessel: Array, mask: Array | None = None) -> Fit | None:
    """Look for a better place for a label.

    Args:
        image: Finite numbers ``(X, Y, Z)``.
        vessel: The label's vessels, the same shape.
        mask: Where the image shows something; None: where it is not all at its lowest value.

    Returns:
        The best place of all; None when there is nothing to compare, or the label surely fits.
    """
    seen = (image > image.min() if mask is None else mask).astype(np.float32)
    if not seen.any():
        return None
    image, vessel = np.asarray(image, np.float32), np.asarray(vessel, np.float32)
    image = image / (float(np.abs(image).max()) or 1.0)  # squares of large numbers overflow
    step = np.ones(image.ndim, int)
    while image.size > LARGEST:
        step *= [2 if n > SMALL else 1 for n in image.shape]
        image, vessel, seen = _halved(image), _halved(vessel), _halved(seen)
    width = _width(vessel)
    surface = _against_surroundings(image, seen > 0.5, width)
    template = vessel - _smooth(vessel, 2 * width + 1)
    template -= template.mean()
    heights = float(np.linalg.norm(surface)), float(np.linalg.norm(template))
    strength = heights[0] * heights[1]
    if strength == 0:
        return None
    size = [fft.next_fast_len(n + bool(n > 1), real=True) for n in surface.shape]
    spectrum = fft.rfftn(surface, size)
    found: list[Fit] = []
    for axes, flips in _turns(surface.shape):
        backwards = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        turned = template.transpose(axes)[backwards]
        places = fft.irfftn(spectrum * np.conj(fft.rfftn(turned, size)), size) / strength
        if not found:
            near = _box(places.shape, (0, 0, 0), 1)
            here = float(places[near].flat[np.abs(places[near]).argmax()])
            if abs(here) >= SURE:
                return None
            places[near] = 0
        at = tuple(int(i) for i in np.unravel_index(np.abs(places).argmax(), places.shape))
        there = float(places[at])
        places[_box(places.shape, at, math.ceil(2 * width) + 2)] = 0
        # What is flipped about the middle of the padded volume comes to lie at the shift 0.
        shift = [
            k * (i if 2 * i <= n else i - n) for i, n, k in zip(at, places.shape, step, strict=True)
        ]
        chance = float(np.abs(places).max())
        contrast = there * heights[0] / heights[1]
        found.append(Fit(axes, flips, tuple(map(int, shift)), here, there, contrast, chance))
    return _simplest(found)


def _simplest(found: list[Fit]) -> Fit:
    """Return the best fit; chance is what most other turns reach, or all its other shifts."""
    best = max(abs(fit.there) for fit in found)
    first = min((f for f in found if abs(f.there) >= TIE * best), key=lambda fit: fit.changes)
    others = [abs(fit.there) for fit in found if fit is not first]
    return replace(first, chance=min([first.chance, float(np.median(others or [1]))]))


def _turns(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Yield the ways to lay a label into its own shape: as it is, mirrored, with axes exchanged."""
    for axes in itertools.permutations(range(len(shape))):
        if tuple(shape[axis] for axis in axes) == shape and (
            all(a == i or shape[i] > 1 for i, a in enumerate(axes))
        ):
            for flips in itertools.product(*((False, True)[: 1 + (n > 1)] for n in shape)):
                yield axes, flips


def _box(shape: tuple[int, ...], middle: tuple[int, ...], reach: int) -> tuple[Array, ...]:
    """Return the indices of the places around one, across the borders too."""
    ranges = (np.arange(i - reach, i + reach + 1) % n for i, n in zip(middle, shape, strict=True))
    return np.ix_(*map(np.unique, ranges))


def _halved(array: Array) -> Array:
    """Return the means of blocks of two voxels along the longer axes."""
    for axis, n in enumerate(array.shape):
        if n > SMALL:
            pairs = np.moveaxis(array, axis, 0)[: n // 2 * 2]
            array = np.moveaxis((pairs[::2] + pairs[1::2]) / 2, 0, axis)
    return array


def _width(vessel: Array) -> float:
    """Return half the width of the wider vessels, in voxels."""
    inside = np.squeeze(vessel) > 0.5 * float(vessel.max())
    distance = ndimage.distance_transform_edt(np.pad(inside, 1))
    return float(np.percentile(distance[distance > 0], 95))


def _smooth(array: Array, reach: float) -> Array:
    sigmas = [reach if n > 1 else 0 for n in array.shape]
    return np.asarray(ndimage.gaussian_filter(array, sigmas, mode="nearest"))


def _against_surroundings(image: Array, seen: Array, width: float) -> Array:
    """Return by how many standard deviations of its surroundings each voxel differs from them."""
    rest = np.where(seen, image - _mean(image, seen, 2 * width + 1), 0)
    square = _mean(rest**2, seen, 4 * width + 2)
    # Flat surroundings, such as air that was set to 0, must not be blown up.
    usual = float(square[seen].mean()) if seen.any() else 0.0
    clipped = np.clip(rest / np.sqrt(square + 1e-3 * usual + 1e-30), -3, 3)
    return np.where(seen, clipped - clipped.mean(where=seen), 0)


def _mean(array: Array, seen: Array, reach: float) -> Array:
    """Return the mean of each voxel's surroundings, as far as they are seen."""
    weight = _smooth(seen.astype(np.float32), reach)
    return np.asarray(_smooth(array * seen, reach) / np.maximum(weight, 1e-6))
