"""Predicting a prepared volume: with the intensities of training, held to the contract, masked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.data.normalise import scale_channels, scale_patches
from vbench.data.windows import blend
from vbench.errors import ContractError, DivergedError
from vbench.interfaces import Segmenter
from vbench.masks.slices import across
from vbench.types import Array, Volume


def predict_volume(segmenter: Segmenter, volume: Volume) -> npt.NDArray[np.float32]:
    """Predict a volume, scaled as the patches of its normalisation are: the one way to predict.

    ``percentile`` and ``zscore`` are done once a subject: the volume is predicted as it is. With
    ``patch-minmax`` the volume is divided into half-overlapping windows of the patch size; each is
    scaled to its own minimum and maximum, as each training patch was, and predicted alone; the
    predictions are averaged, the middle of a window counting most. That is slow, and any segmenter
    can be used.

    A 2D method predicts slice by slice along the last axis: a volume whose patches lie across
    another one (:func:`vbench.masks.slices.across`) is turned for it, and the prediction back.

    What a segmenter says outside of the mask does not count, whichever it is: 0 is put there.

    Args:
        segmenter: Fitted; its ``setup.size`` is the patch size.
        volume: The prepared volume.

    Returns:
        float32 ``(X, Y, Z)``, vessel probability, 0 outside of the mask; with several classes
        ``(classes + 1, X, Y, Z)``, the background first, which is 1 outside of the mask.

    Raises:
        ContractError: When shape, type or range of what ``predict`` returns are not as agreed.
        DivergedError: When a value is not finite.
    """
    image, mask = np.asarray(volume.image), np.asarray(volume.mask)
    size = segmenter.setup.size
    axis = across(mask.shape, size) if len(size) == 2 else 2
    # Channels and classes come first: axes are counted from the last.
    turned = [np.moveaxis(array, axis - 3, -1) for array in (image, mask)]
    predict = _by_windows if volume.normalise == "patch-minmax" else _whole
    predicted = np.moveaxis(predict(segmenter, *turned), -1, axis - 3)
    if predicted.ndim == mask.ndim:
        return np.where(mask, predicted, np.float32(0))
    for index, one in enumerate(predicted):  # in place: there are many
        one[~mask] = 1 if index == 0 else 0
    return predicted


def decided(predicted: Array, threshold: float | None) -> npt.NDArray[np.uint8]:
    """Return the class of each voxel of what :func:`predict_volume` returned, 0 for the background.

    Args:
        predicted: Probabilities.
        threshold: Of one class, from which on a voxel is vessel. Of several the most probable is
            taken, and it is None.

    Returns:
        ``(X, Y, Z)``.
    """
    if predicted.ndim == 3:
        return (predicted >= threshold).astype(np.uint8)
    return predicted.argmax(axis=0).astype(np.uint8)


def _whole(segmenter: Segmenter, image: Array, mask: Array) -> Array:
    predicted = segmenter.predict(image, mask)
    classes = segmenter.setup.classes
    shape = mask.shape if classes == 1 else (classes + 1, *mask.shape)
    check_probabilities(predicted, shape, segmenter.name)
    if classes > 1 and mask.any():
        total = predicted.sum(axis=0)[np.asarray(mask, bool)]
        if abs(total - 1).max() > 1e-2:
            raise ContractError(
                f"{segmenter.name}.predict: the probabilities of background and classes add up to "
                f"{total.min():.3g} to {total.max():.3g}; expected 1 in each voxel"
            )
    return predicted


def _by_windows(segmenter: Segmenter, image: Array, mask: Array) -> Array:
    """Predict each window with its own minimum and maximum."""

    def scaled(windows: Array, inside: Array) -> Array:
        (scale_patches if windows.ndim == inside.ndim else scale_channels)(windows)
        return _whole(segmenter, windows[0], inside[0])[None]

    size = segmenter.setup.size
    weight = _hat(size if len(size) == 3 else (*size, 1))
    classes = segmenter.setup.classes
    outputs = 1 if classes == 1 else classes + 1
    return blend(scaled, image, mask, weight=weight, overlap=0.5, outputs=outputs)


def _hat(block: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the weights of a window's voxels: falling from its middle to its faces."""
    ramps = [1.0 - np.abs((2 * np.arange(n) + 1) / n - 1) + 1e-3 for n in block]
    return np.asarray(reduce(np.multiply.outer, ramps), dtype=np.float32)


def check_probabilities(probabilities: Any, shape: tuple[int, ...], owner: str) -> None:
    """Hold a predicted volume to the contract.

    Raises:
        ContractError: When shape, type or range are not as agreed.
        DivergedError: When a value is not finite.
    """
    check_array(probabilities, shape, f"{owner}.predict")
    low, high = float(probabilities.min()), float(probabilities.max())
    if low < -1e-4 or high > 1 + 1e-4:
        raise ContractError(
            f"{owner}.predict: values reach from {low:.3g} to {high:.3g}; expected [0, 1]"
        )


def check_array(array: Any, shape: tuple[int, ...], owner: str) -> None:
    """Hold an array of a plugin to what was agreed.

    Raises:
        ContractError: When it is no float32 array of this shape.
        DivergedError: When a value is not finite.
    """
    if not isinstance(array, np.ndarray):
        raise ContractError(f"{owner} returned {type(array).__name__}; expected a numpy array")
    if array.shape != shape:
        raise ContractError(f"{owner} returned shape {array.shape}; expected {shape}")
    if array.dtype != np.float32:
        raise ContractError(f"{owner} returned {array.dtype}; expected float32")
    if not np.isfinite(array).all():
        raise DivergedError(f"{owner} returned values that are not finite")
