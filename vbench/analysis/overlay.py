"""Pictures of where a prediction is right and wrong: projections along the last axis, in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vbench.files import atomic_write
from vbench.types import Array

#: Found, missed and false voxels; told apart by the colour-blind too (Okabe and Ito 2008).
COLOURS = {"found": (255, 255, 255), "missed": (230, 159, 0), "false": (0, 114, 178)}


def overlay(prediction: Array, truth: Array) -> npt.NDArray[np.uint8]:
    """Return a picture ``(Y, X, 3)`` of two masks ``(X, Y, Z)`` in RAS, anterior on top.

    White: some voxel of the ray is in both masks; else orange: in the truth only; blue: in the
    prediction only.
    """
    prediction, truth = prediction > 0, truth > 0
    picture = np.zeros((*truth.shape[:2], 3), np.uint8)
    picture[(prediction & ~truth).any(axis=2)] = COLOURS["false"]
    picture[(truth & ~prediction).any(axis=2)] = COLOURS["missed"]
    picture[(truth & prediction).any(axis=2)] = COLOURS["found"]
    return np.ascontiguousarray(picture.transpose(1, 0, 2)[::-1])


def write_overlay(
    path: Path, prediction: Array, truth: Array, spacing: tuple[float, float, float]
) -> None:
    """Write the picture as PNG, with square pixels of at most the smaller voxel edge."""
    from PIL import Image

    picture = Image.fromarray(overlay(prediction, truth))
    width, height = (
        max(1, round(n * edge / min(spacing[:2])))
        for n, edge in zip(truth.shape[:2], spacing[:2], strict=True)
    )
    with atomic_write(path) as temporary:
        picture.resize((width, height), Image.Resampling.NEAREST).save(temporary, format="png")
