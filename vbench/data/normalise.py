"""Intensities to [-1, 1], in one explicit, recorded step that real and synthetic data share.

- ``percentile`` (default): per subject, percentiles 0.5 and 99.9 within the mask become -1 and 1.
- ``zscore``: per subject, mean and standard deviation within the mask; :data:`Z_RANGE` standard
  deviations become 1.
- ``patch-minmax``: each patch's own minimum and maximum become -1 and 1 (Kossen et al. 2021). The
  prepared volume keeps its contrast, scaled by its minimum and maximum; patches are scaled when
  they are cut (:func:`scale_patches`), and a prediction scales its windows in the same way
  (:func:`vbench.data.predict.predict_volume`), so that no contrast shift is built in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vbench.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from vbench.types import Array

METHODS = ("percentile", "zscore", "patch-minmax")
#: The percentiles of ``percentile``: vessels are about 1 % of a brain, and should not be clipped.
PERCENTILES = (0.5, 99.9)
#: Standard deviations from the mean that ``zscore`` keeps: vessels in TOF-MRA reach 6 to 8.
Z_RANGE = 8.0


def normalise(
    image: Array, mask: Array, method: str = "percentile"
) -> tuple[Array, dict[str, Any]]:
    """Map intensities to [-1, 1], and to -1 outside of the mask.

    Args:
        image: ``(X, Y, Z)``, finite within the mask.
        mask: bool ``(X, Y, Z)``, not empty.
        method: One of :data:`METHODS`.

    Returns:
        float16 ``(X, Y, Z)`` in Fortran order, and what was done: the method and the intensities
        ``low`` and ``high`` that became -1 and 1.

    Raises:
        DataError: When there is no such method, or the image is constant within the mask.
    """
    # NIfTI is in Fortran order: transposed, memory is walked through from end to end.
    inside = image.T[mask.T].astype(np.float32)
    if method == "percentile":
        low, high = (float(v) for v in np.percentile(inside, PERCENTILES))
    elif method == "zscore":
        mean, sd = float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))
        low, high = mean - Z_RANGE * sd, mean + Z_RANGE * sd
    elif method == "patch-minmax":
        low, high = float(inside.min()), float(inside.max())
    else:
        raise DataError(
            f"normalise = '{method}': expected {', '.join(METHODS)}{did_you_mean(method, METHODS)}"
        )
    if not high > low:
        raise DataError(f"the image is constant within the mask ({low:g}), nothing can be learned")
    scaled = np.full(image.shape, -1, dtype=np.float16, order="F")
    scaled.T[mask.T] = np.clip((inside - low) * (2.0 / (high - low)) - 1.0, -1.0, 1.0)
    return scaled, {"method": method, "low": low, "high": high}


def scale_channels(images: Array) -> None:
    """Scale each channel of each image as :func:`scale_patches` does, in place.

    Args:
        images: float32 ``(n, channels, *size)``.
    """
    for index in range(images.shape[1]):
        scale_patches(images[:, index])


def scale_patches(images: Array) -> None:
    """Scale each image to its own minimum and maximum, in place; a constant one becomes -1.

    Args:
        images: float32 ``(n, *size)``.
    """
    axes = tuple(range(1, images.ndim))
    low = images.min(axis=axes, keepdims=True)
    extent = images.max(axis=axes, keepdims=True) - low
    images -= low
    images *= 2.0 / np.where(extent > 0, extent, 1.0)
    images -= 1.0
