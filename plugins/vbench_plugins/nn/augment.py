"""Random changes of training patches that keep image and label in agreement; numpy, one batch."""

from __future__ import annotations

import numpy as np

from vbench.layout import image_channels, label_of
from vbench.types import Array


def symmetry(size: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw an order of the axes in which only axes of equal extent change places."""
    axes = np.arange(len(size))
    for extent in sorted(set(size)):
        alike = [axis for axis, n in enumerate(size) if n == extent]
        axes[alike] = rng.permutation(alike)
    return axes


def flip_and_rotate(batch: Array, rng: np.random.Generator) -> Array:
    """Mirror each patch along random axes, and swap axes of equal extent at random.

    Together these are all reflections and right-angle rotations that keep the patch's shape.

    Args:
        batch: ``(n, channels, *size)``.
        rng: The step's generator.

    Returns:
        A new array of the same shape.
    """
    size = batch.shape[2:]
    mirrored = rng.random((len(batch), len(size))) < 0.5
    changed = np.empty_like(batch)
    for index, patch in enumerate(batch):
        turned = patch.transpose(0, *(symmetry(size, rng) + 1))
        flips = tuple(slice(None, None, -1 if flip else 1) for flip in mirrored[index])
        changed[index] = turned[(slice(None), *flips)]
    return changed


def intensities(batch: Array, rng: np.random.Generator, strength: float) -> Array:
    """Change contrast, brightness and noise of each channel of an image; the label stays.

    Args:
        batch: ``(n, channels, *size)`` with images in [-1, 1]; changed in place.
        rng: The step's generator.
        strength: 0 changes nothing; 0.1 changes contrast by up to 10 % and brightness by up to
            a tenth of the range's half, and adds noise with a standard deviation of up to 0.02.
    """
    image = image_channels(batch)
    shape = (*image.shape[:2], *(1,) * (batch.ndim - 2))
    gain = 1 + strength * rng.uniform(-1, 1, shape).astype(np.float32)
    shift = strength * rng.uniform(-1, 1, shape).astype(np.float32)
    noise = 0.2 * strength * rng.random(shape, dtype=np.float32)
    image[...] = (image + 1) * gain - 1 + shift
    image += noise * rng.standard_normal(image.shape, dtype=np.float32)
    np.clip(image, -1, 1, out=image)
    return batch


def stretch(batch: Array) -> Array:
    """Stretch each channel to fill [-1, 1], in place; a constant one becomes -1."""
    image = image_channels(batch)
    axes = tuple(range(2, image.ndim))
    low = image.min(axis=axes, keepdims=True)
    width = np.maximum(image.max(axis=axes, keepdims=True) - low, np.finfo(np.float32).eps)
    image[...] = 2 * (image - low) / width - 1
    return batch


def flip_axis(batch: Array, rng: np.random.Generator, axis: int) -> Array:
    """Mirror a random half of the patches along one spatial axis, in place."""
    chosen = rng.random(len(batch)) < 0.5
    batch[chosen] = np.flip(batch[chosen], axis=axis + 2)
    return batch


def warp(
    batch: Array, rng: np.random.Generator, rotation: float, shear: float, *, linear: bool
) -> Array:
    """Rotate and shear each patch within its first two axes, about its middle.

    Args:
        batch: ``(n, channels, *size)``.
        rng: The step's generator.
        rotation: Largest angle in degrees.
        shear: Largest shear angle in degrees.
        linear: Interpolate labels linearly, which makes them fractional; else nearest.

    Returns:
        A new array; what comes in from outside is background.
    """
    from scipy.ndimage import affine_transform

    size = batch.shape[2:]
    centre = (np.array(size) - 1) / 2
    warped = np.empty_like(batch)
    for index, (image, label) in enumerate(
        zip(image_channels(batch), label_of(batch), strict=True)
    ):
        turn, slant = np.deg2rad(rng.uniform(-1, 1, 2) * [rotation, shear])
        matrix = np.eye(len(size))
        matrix[:2, :2] = [
            [np.cos(turn), -np.sin(turn + slant)],
            [np.sin(turn), np.cos(turn + slant)],
        ]
        offset = centre - matrix @ centre
        for number, channel in enumerate(image):
            warped[index, number] = affine_transform(channel, matrix, offset, order=1, cval=-1.0)
        label_of(warped)[index] = affine_transform(
            label, matrix, offset, order=int(linear), cval=0.0
        )
    return warped
