"""Pictures of where a prediction is right and wrong: projections in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vbench.colours import FALSE, FOUND, LEGEND, MISSED
from vbench.files import atomic_write
from vbench.masks.slices import ray
from vbench.picture import explained, lettered, resized, seen, sides, upright
from vbench.types import Array


def overlay(prediction: Array, truth: Array) -> npt.NDArray[np.uint8]:
    """Return a picture of two maps ``(X, Y, Z)`` in RAS: right on the left, front on top.

    Along the last axis; one slice is shown in its plane, whichever that is. Where both maps have
    the same value above 0 in some voxel of the ray, it is found; else missed (the reference has
    another one there) or false (the prediction has).
    """
    axis = ray(truth.shape)
    same = prediction == truth
    planes = ((truth > 0) & same, (truth > 0) & ~same, (prediction > 0) & ~same)
    found, missed, false = (upright(np.asarray(plane.any(axis=axis))) for plane in planes)
    return errors(found, missed, false)


def errors(found: Array, missed: Array, false: Array) -> npt.NDArray[np.uint8]:
    """Return three masks as one picture ``(H, W, 3)``; a pixel of several shows the first."""
    picture = np.zeros((*found.shape, 3), np.uint8)
    for mask, colour in ((false, FALSE), (missed, MISSED), (found, FOUND)):
        picture[mask] = colour
    return picture


def write_overlay(
    path: Path, prediction: Array, truth: Array, spacing: tuple[float, float, float], affine: Array
) -> None:
    """Write the picture as PNG: square pixels, letters for the sides, a legend.

    Args:
        path: The file.
        prediction: Mask, or map of classes, ``(X, Y, Z)`` in RAS.
        truth: The same shape.
        spacing: Voxel edge lengths.
        affine: Voxel to world of the masks.
    """
    from PIL import Image

    axis = ray(truth.shape)
    picture = resized(overlay(prediction, truth), seen(spacing, axis))
    picture = explained(lettered(picture, sides(affine, axis)), LEGEND)
    with atomic_write(path) as temporary:
        Image.fromarray(picture).save(temporary, format="png")
