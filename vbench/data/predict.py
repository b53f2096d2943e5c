"""Predicting a prepared volume with the intensities that the segmenter was trained on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import reduce

import numpy as np

from vbench.data.normalise import scale_patches
from vbench.interfaces import Segmenter
from vbench.masks.slices import across
from vbench.types import Array, Volume


def predict_volume(segmenter: Segmenter, volume: Volume) -> Array:
    """Predict a volume, scaled as the patches of its normalisation are.

    ``percentile`` and ``zscore`` are done once a subject: the volume is predicted as it is. With
    ``patch-minmax`` the volume is divided into half-overlapping windows of the patch size; each is
    scaled to its own minimum and maximum, as each training patch was, and predicted alone; the
    predictions are averaged, the middle of a window counting most. That is slow, and any segmenter
    can be used.

    A 2D method predicts slice by slice along the last axis: a volume whose patches lie across
    another one (:func:`vbench.masks.slices.across`) is turned for it, and the prediction back.

    Args:
        segmenter: Fitted; its ``setup.size`` is the patch size.
        volume: The prepared volume.

    Returns:
        float32 ``(X, Y, Z)``, vessel probability, 0 outside of the mask.
    """
    image, mask = np.asarray(volume.image), np.asarray(volume.mask)
    size = segmenter.setup.size
    axis = across(image.shape, size) if len(size) == 2 else 2
    if axis == 2:
        return _predict(segmenter, image, mask, volume.normalise)
    image, mask = np.moveaxis(image, axis, 2), np.moveaxis(mask, axis, 2)
    predicted = _predict(segmenter, image, mask, volume.normalise)
    return np.moveaxis(np.asarray(predicted), 2, axis)


def _predict(segmenter: Segmenter, image: Array, mask: Array, normalise: str) -> Array:
    """Predict a volume, whose slices lie along the last axis."""
    if normalise != "patch-minmax":
        return segmenter.predict(image, mask)
    size = segmenter.setup.size
    window = tuple(size) if len(size) == 3 else (*size, 1)
    extra = [(0, max(0, b - n)) for b, n in zip(window, image.shape, strict=True)]
    padded = np.pad(image.astype(np.float32), extra, constant_values=-1)
    inside = np.pad(mask, extra)
    total, weight = np.zeros((2, *padded.shape), dtype=np.float32)
    hat = _hat(window)
    for start in itertools.product(*map(_starts, padded.shape, window)):
        here = tuple(slice(s, s + b) for s, b in zip(start, window, strict=True))
        if inside[here].any():
            cut = padded[here][None].copy()
            scale_patches(cut)
            total[here] += hat * segmenter.predict(cut[0], inside[here])
            weight[here] += hat
    blended = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    blended[~inside] = 0
    return blended[tuple(slice(n) for n in image.shape)]


def _starts(length: int, block: int) -> list[int]:
    """Return where windows begin on one axis: half-overlapping, the last one flush."""
    return sorted({*range(0, length - block, max(1, block // 2)), length - block})


def _hat(block: Sequence[int]) -> Array:
    """Return the weights of a window's voxels: falling from its middle to its faces."""
    ramps = [1.0 - np.abs((2 * np.arange(n) + 1) / n - 1) + 1e-3 for n in block]
    return np.asarray(reduce(np.multiply.outer, ramps), dtype=np.float32)
