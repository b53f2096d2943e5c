"""What a subject is like, in numbers and as a picture: provenance that a person can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.foreground import foreground_mask
from vbench.data.prepare import intensity
from vbench.files import atomic_write
from vbench.masks.slices import thin_axis
from vbench.types import Array, Subject

#: Where vessels are drawn over the image.
RED = np.array([255, 64, 48])
#: Pixels between two views.
GAP = 4


def describe(subject: Subject) -> dict[str, Any]:
    """Return ``id``, ``shape``, ``spacing`` (mm), ``unit`` of the file, ``intensity``,
    ``label_fraction`` and ``mask`` (where from). Intensity and fraction are within the mask.
    """  # noqa: D205
    if subject.mask is None:
        mask, origin = foreground_mask(np.asarray(subject.image))
    else:
        mask, origin = np.asarray(subject.mask), "given"
    return {
        "id": subject.id,
        "shape": list(subject.image.shape),
        "spacing": list(subject.spacing),
        "unit": subject.unit,
        "intensity": intensity(np.asarray(subject.image)[mask]),
        "label_fraction": float((subject.label & mask).sum() / mask.sum()),
        "mask": origin,
    }


def write_projections(path: str | Path, subject: Subject) -> None:
    """Write maximum-intensity projections as a PNG, in true proportions.

    From the top: seen from above (anterior up), from the front (superior up), from the side
    (superior up, anterior right); one slice is seen in its plane only. The left column is the
    image, from its 1st to its 99.9th percentile (within the mask if there is one); the right
    column has the label in red.
    """
    from matplotlib.image import imsave

    image = np.asarray(subject.image, dtype=np.float32)
    if subject.mask is not None:
        image = np.where(subject.mask, image, image[subject.mask].min())
    low, high = np.percentile(image if subject.mask is None else image[subject.mask], [1, 99.9])
    grey = np.clip((image - low) / max(float(high - low), 1e-9), 0, 1)
    columns: list[list[Array]] = [[], []]
    thin = thin_axis(image.shape)
    for axis in (2, 1, 0) if thin is None else (thin,):
        edges = [edge for i, edge in enumerate(subject.spacing) if i != axis]
        unit = min(subject.spacing if thin is None else edges)
        flat = _upright(grey.max(axis=axis), edges, unit)
        truth = _upright(np.asarray(subject.label).max(axis=axis), edges, unit)
        columns[0].append(_coloured(flat, np.zeros_like(truth)))
        columns[1].append(_coloured(flat, truth))
    picture = np.swapaxes(_below([np.swapaxes(_below(c), 0, 1) for c in columns]), 0, 1)
    with atomic_write(path) as temporary:
        imsave(temporary, picture, format="png")


def _upright(flat: Array, edges: list[float], unit: float) -> Array:
    """Return a projection as rows and columns of pixels of one unit, its second axis upwards."""
    picture = flat.T[::-1]
    for axis, edge in enumerate(reversed(edges)):
        n = picture.shape[axis]
        # Nearest neighbours: a projection shows voxels, it does not invent any between them.
        at = np.floor((np.arange(max(1, round(n * edge / unit))) + 0.5) * unit / edge)
        picture = np.take(picture, np.minimum(at.astype(int), n - 1), axis=axis)
    return picture


def _coloured(flat: Array, truth: Array) -> Array:
    """Return a projection in 0…1 as uint8 colours, the reference in red."""
    picture = np.repeat((flat * 255)[..., None], 3, axis=2)
    picture[truth] = 0.35 * picture[truth] + 0.65 * RED
    return picture.astype(np.uint8)


def _below(pictures: list[Array]) -> Array:
    """Stack pictures vertically on black, aligned left."""
    width = max(picture.shape[1] for picture in pictures)
    rows: list[Array] = []
    for picture in pictures:
        row = np.zeros((len(picture) + GAP, width, 3), dtype=np.uint8)
        row[: len(picture), : picture.shape[1]] = picture
        rows.append(row)
    return np.concatenate(rows)[:-GAP]
