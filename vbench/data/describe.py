"""What a subject is like, in numbers and as a picture: provenance that a person can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.colours import LABEL
from vbench.data.foreground import foreground_mask
from vbench.data.prepare import intensity
from vbench.files import atomic_write
from vbench.masks.slices import thin_axis
from vbench.picture import lettered, resized, seen, sides, upright
from vbench.types import Array, Subject

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
    """Write maximum-intensity projections as a PNG, in true proportions, with letters for sides.

    From the top: seen from above (front up), from the front (top up), from the side (top up, front
    left); the patient's right is on the left. One slice is seen in its plane only. The left column
    is the image, from its 1st to its 99.9th percentile (within the mask if there is one); the right
    column has the label over it.
    """
    from PIL import Image

    image = np.asarray(subject.image, dtype=np.float32)
    if subject.mask is not None:
        image = np.where(subject.mask, image, image[subject.mask].min())
    low, high = np.percentile(image if subject.mask is None else image[subject.mask], [1, 99.9])
    grey = np.clip((image - low) / max(float(high - low), 1e-9), 0, 1)
    views: list[Array] = []
    thin = thin_axis(image.shape)
    for axis in (2, 1, 0) if thin is None else (thin,):
        edges = seen(subject.spacing, axis)
        unit = min(subject.spacing) if thin is None else min(edges)  # one scale for all views
        flat = upright((grey.max(axis=axis) * 255).astype(np.uint8))
        truth = upright(np.asarray(subject.label).max(axis=axis))
        pair = (_coloured(flat, mask) for mask in (np.zeros_like(truth), truth))
        letters = sides(subject.affine, axis)
        shown = [lettered(resized(view, edges, unit), letters) for view in pair]
        views.append(_joined(shown, axis=1))
    with atomic_write(path) as temporary:
        Image.fromarray(_joined(views, axis=0)).save(temporary, format="png")


def _coloured(flat: Array, truth: Array) -> Array:
    """Return a grey projection in colours, the label over it."""
    picture = np.repeat(flat[..., None], 3, axis=2).astype(float)
    picture[truth] = 0.35 * picture[truth] + 0.65 * np.array(LABEL)
    return picture.astype(np.uint8)


def _joined(pictures: list[Array], axis: int) -> Array:
    """Join pictures along an axis on black, with a gap between them."""
    longest = max(picture.shape[1 - axis] for picture in pictures)
    parts: list[Array] = []
    for picture in pictures:
        shape = [longest, longest, 3]
        shape[axis] = picture.shape[axis] + GAP
        part = np.zeros(shape, dtype=np.uint8)
        part[: picture.shape[0], : picture.shape[1]] = picture
        parts.append(part)
    whole = np.concatenate(parts, axis=axis)
    return whole[:-GAP] if axis == 0 else whole[:, :-GAP]
