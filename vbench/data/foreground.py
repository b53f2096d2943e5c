"""A foreground mask from the image alone, for data without a brain mask.

Only the image is looked at, never the label: a mask that followed the label would tell a
segmenter where vessels are. It keeps too much rather than too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vbench.types import Array

#: A background takes this share of the volume at least.
LEAST = 0.01
#: A constant background is made of blocks up to this share of its voxels; a dark grey value of a
#: noisy image is not.
SOLID = 0.98
#: Air is darker than tissue by this many times its own spread at least.
GAP = 4.0
#: A body keeps half of itself when this many voxels go from each side; vessels vanish.
THICK = 4


def foreground_mask(image: Array) -> tuple[Array, str]:
    """Derive where there is tissue.

    The background is what reaches the border of the volume and is either constant (a brain that
    was masked, a padded scan) or air, clearly darker than a thick body. Where neither is found,
    all of the volume is foreground.

    Args:
        image: ``(X, Y, Z)``, finite.

    Returns:
        bool ``(X, Y, Z)`` without holes, and in words what was done.
    """
    from scipy.ndimage import binary_dilation

    value = _border_value(image)
    constant = image == value
    if LEAST <= constant.mean() < 1:
        background = binary_dilation(_from_border(constant), _block(image, 1)) & constant
        if background.sum() >= SOLID * constant.sum():
            return ~background, f"derived: all but a constant background of {value:g}"
    background = _from_border(_dark(image))
    if background.mean() >= LEAST and _thick(~background):
        return ~background, "derived: all but dark air"
    return np.ones(image.shape, dtype=bool), "derived: the whole volume, no background was found"


def _border_value(image: Array) -> float:
    """Return the most common value on the faces of the volume."""
    faces = [np.take(image, [0, -1], axis=axis).ravel() for axis in _sides(image)]
    values, counts = np.unique(np.concatenate(faces), return_counts=True)
    return float(values[np.argmax(counts)])


def _dark(image: Array) -> Array:
    """Return where a smoothed image is air; nowhere when it has no clearly darker class."""
    from scipy.ndimage import uniform_filter
    from skimage.filters import threshold_otsu

    smooth = uniform_filter(image.astype(np.float32), size=3, mode="nearest")
    # Bright vessels and fat would draw the threshold up, away from air and tissue.
    few = smooth.ravel()[:: max(1, smooth.size // 200_000)]
    few = np.minimum(few, np.percentile(few, 95))
    if few.min() == few.max():
        return np.zeros(image.shape, dtype=bool)
    dark = smooth < threshold_otsu(few)
    low, high = smooth[dark], smooth[~dark]
    if np.median(high) - np.median(low) < GAP * low.std():
        return np.zeros(image.shape, dtype=bool)
    return dark


def _from_border(dark: Array) -> Array:
    """Return the inner part of ``dark`` that is connected with a face of the volume."""
    from scipy.ndimage import binary_erosion, label

    # Single dark voxels within tissue would join up; a background is made of blocks.
    core = binary_erosion(dark, _block(dark, 1), border_value=1)
    parts, n = label(core)
    at_border = np.zeros(n + 1, dtype=bool)
    for axis in _sides(dark):
        at_border[np.take(parts, [0, -1], axis=axis)] = True
    at_border[0] = False
    return at_border[parts]


def _sides(array: Array) -> list[int]:
    """Return the axes that have faces: all of a single slice would lie on those of its third."""
    return [axis for axis, n in enumerate(array.shape) if n > 1] or [0]


def _thick(body: Array) -> bool:
    from scipy.ndimage import binary_erosion

    core = binary_erosion(body, _block(body, THICK), border_value=1)
    return bool(core.sum() >= 0.5 * body.sum())


def _block(array: Array, radius: int) -> Array:
    return np.ones(tuple(min(2 * radius + 1, n) for n in array.shape), dtype=bool)
