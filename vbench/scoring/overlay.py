"""Pictures of where a prediction is right and wrong: projections from above, in colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vbench.files import atomic_write
from vbench.masks.slices import ray
from vbench.types import Array

N = TypeVar("N")

#: Found, missed and false voxels; told apart by the colour-blind too (Okabe and Ito 2008).
COLOURS = {"found": (255, 255, 255), "missed": (230, 159, 0), "false": (0, 114, 178)}


def overlay(prediction: Array, truth: Array) -> npt.NDArray[np.uint8]:
    """Return a picture ``(Y, X, 3)`` of two masks ``(X, Y, Z)`` in RAS, anterior on top.

    Along the last axis; one slice is shown in its plane, whichever that is.

    White: some voxel of the ray is in both masks; else orange: in the truth only; blue: in the
    prediction only.
    """
    prediction, truth = prediction > 0, truth > 0
    axis = ray(truth.shape)
    picture = np.zeros((*_seen(truth.shape, axis), 3), np.uint8)
    picture[(prediction & ~truth).any(axis=axis)] = COLOURS["false"]
    picture[(truth & ~prediction).any(axis=axis)] = COLOURS["missed"]
    picture[(truth & prediction).any(axis=axis)] = COLOURS["found"]
    return np.ascontiguousarray(picture.transpose(1, 0, 2)[::-1])


def write_overlay(
    path: Path, prediction: Array, truth: Array, spacing: tuple[float, float, float]
) -> None:
    """Write the picture as PNG, with square pixels of at most the smaller voxel edge."""
    from PIL import Image

    picture = Image.fromarray(overlay(prediction, truth))
    axis = ray(truth.shape)
    edges = _seen(spacing, axis)
    width, height = (
        max(1, round(n * edge / min(edges)))
        for n, edge in zip(_seen(truth.shape, axis), edges, strict=True)
    )
    with atomic_write(path) as temporary:
        picture.resize((width, height), Image.Resampling.NEAREST).save(temporary, format="png")


def _seen(sides: Sequence[N], axis: int) -> tuple[N, N]:
    """Return what the two axes have that are seen along an axis."""
    first, second = (side for i, side in enumerate(sides) if i != axis)
    return first, second
