"""What may be done to patches of patients: honestly, or to hide that they are copies.

Each change takes patches of shape (N, 2, *size), images in [-1, 1] before labels, and a random
generator, and returns as many. ``privacy_power.py`` tries the audit against them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array: TypeAlias = npt.NDArray[np.float32]
Change: TypeAlias = Callable[[Array, np.random.Generator], Array]


def on_image(change: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Change the images only, given in [0, 1]; values outside are cut."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = patches.copy()
        out[:, 0] = (2 * change((patches[:, 0] + 1) / 2, rng) - 1).clip(-1, 1)
        return out

    return changed


def gain(factor: float) -> Change:
    """Scale intensities."""
    return on_image(lambda image, rng: image * factor)


def offset(by: float) -> Change:
    """Add to intensities."""
    return on_image(lambda image, rng: image + by / 2)


def gamma(power: float) -> Change:
    """Raise intensities to a power."""
    return on_image(lambda image, rng: image**power)


def noise(deviation: float) -> Change:
    """Add noise, of a deviation in [-1, 1]."""
    return on_image(lambda image, rng: image + rng.normal(0, deviation / 2, image.shape))


def blur(deviation: float) -> Change:
    """Smooth, with a deviation in voxels."""
    return on_image(
        lambda image, rng: ndimage.gaussian_filter(image, (0, *[deviation] * (image.ndim - 1)))
    )


def negative() -> Change:
    """Invert intensities."""
    return on_image(lambda image, rng: 1 - image)


def quantise(levels: int) -> Change:
    """Keep few grey levels."""
    return on_image(lambda image, rng: np.round(image * (levels - 1)) / (levels - 1))


def field() -> Change:
    """Let the sensitivity of a coil vary over the patch."""

    def changed(image: Array, rng: np.random.Generator) -> Array:
        ramp = np.linspace(0.7, 1.3, image.shape[1], dtype=np.float32)
        return image * ramp.reshape(1, -1, *[1] * (image.ndim - 2))

    return on_image(changed)


def mirror() -> Change:
    """Mirror the first axis."""
    return lambda patches, rng: patches[:, :, ::-1]


def quarter() -> Change:
    """Turn the last two axes by a right angle."""
    return lambda patches, rng: np.rot90(patches, axes=(-2, -1))


def each(change: Callable[[Array, int, np.random.Generator], Array]) -> Change:
    """Resample each patch by itself: images linearly, labels to the nearest."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = np.empty_like(patches)
        for i, patch in enumerate(patches):
            state = int(rng.integers(2**31))
            for channel, order in ((0, 1), (1, 0)):
                out[i, channel] = change(patch[channel], order, np.random.default_rng(state))
        return out

    return changed


def turn(degrees: float) -> Change:
    """Turn each patch about a random axis."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        axes = tuple(rng.choice(values.ndim, 2, replace=False))
        angle = degrees * rng.choice([-1, 1])
        return ndimage.rotate(values, angle, axes, reshape=False, order=order, mode="nearest")

    return each(one)


def shift(voxels: int) -> Change:
    """Move each patch along all axes."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        by = rng.choice([-voxels, voxels], values.ndim)
        return ndimage.shift(values, by, order=0, mode="nearest")

    return each(one)


def zoom(factor: float) -> Change:
    """Enlarge each patch about its middle."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        matrix, centre = np.eye(values.ndim) / factor, (np.array(values.shape) - 1) / 2
        return ndimage.affine_transform(
            values, matrix, centre - matrix @ centre, order=order, mode="nearest"
        )

    return each(one)


def elastic(deviation: float) -> Change:
    """Displace voxels smoothly, by a deviation in voxels."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        grid = np.indices(values.shape).astype(float)
        for axis in range(values.ndim):
            moves = ndimage.gaussian_filter(rng.normal(size=values.shape), 2, mode="wrap")
            grid[axis] += deviation * moves / moves.std()
        return ndimage.map_coordinates(values, grid, order=order, mode="nearest")

    return each(one)


def cut_out() -> Change:
    """Blacken an eighth of each patch."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = patches.copy()
        for patch in out:
            corner = [slice(s := int(rng.integers(0, n // 2)), s + n // 2) for n in patch.shape[1:]]
            patch[0][tuple(corner)], patch[1][tuple(corner)] = -1, 0
        return out

    return changed


def mixture() -> Change:
    """Average each patch with another one."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        other = patches[rng.permutation(len(patches))]
        out = (patches + other) / 2
        out[:, 1] = np.maximum(patches[:, 1], other[:, 1])
        return out

    return changed


def chain(*changes: Change) -> Change:
    """Do one after another."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        for change in changes:
            patches = change(patches, rng)
        return np.ascontiguousarray(patches)

    return changed


#: What may be done to unseen patients without making them a leak.
HONEST: Mapping[str, Change] = {
    "as they are": chain(),
    "darkened (gamma 1.4)": gamma(1.4),
    "brightened (gamma 0.6)": gamma(0.6),
    "blurred": blur(1),
    "with noise 0.1": noise(0.1),
    "mirrored, gain 0.8": chain(mirror(), gain(0.8)),
}
#: What may be done to copies to hide them.
DISGUISES: Mapping[str, Change] = {
    "mirrored, gain 0.8": chain(mirror(), gain(0.8)),
    "mirrored, noise 0.1": chain(mirror(), noise(0.1)),
    "mirrored, gamma 0.7": chain(mirror(), gamma(0.7)),
    "mirrored, offset 0.2": chain(mirror(), offset(0.2)),
    "mirrored, turned 5°": chain(mirror(), turn(5)),
    "mirrored, turned 5°, shifted 1, gain 0.9, noise 0.03": chain(
        mirror(), turn(5), shift(1), gain(0.9), noise(0.03)
    ),
    "noise 0.1": noise(0.1),
    "noise 0.2": noise(0.2),
    "blurred by 1": blur(1),
    "inverted": negative(),
    "four grey levels": quantise(4),
    "coil sensitivity": field(),
    "enlarged by 1.1": zoom(1.1),
    "reduced by 0.85": zoom(0.85),
    "deformed by 1 voxel": elastic(1),
    "an eighth blackened": cut_out(),
    "averages of two copies": mixture(),
    "turned 90°, gamma 0.5, blurred": chain(quarter(), gamma(0.5), blur(1)),
    "turned 15°": turn(15),
    "turned 30°": turn(30),
    "shifted by 2 along all axes": shift(2),
    "shifted by 4 along all axes": shift(4),
    "turned 98°, shifted 2, gamma 0.8, gain 0.8, noise 0.05": chain(
        quarter(), turn(8), shift(2), gamma(0.8), gain(0.8), noise(0.05)
    ),
}
