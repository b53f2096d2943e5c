"""Feature vectors of labelled patches: what distributions of patches are compared by.

A feature extractor is any callable that maps patches ``(n, channels, *size)`` to vectors
``(n, d)``. Here are two that need no download: what a segmenter has learnt from real patches, and,
for when there is none, a fixed bank of multi-scale filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vbench.interfaces import Plugin, Segmenter
from vbench.layout import image_channels, image_of, label_of
from vbench.types import Array, Patches

Floats = npt.NDArray[np.float64]
#: Maps patches ``(n, channels, *size)`` to vectors ``(n, d)``. An attribute ``name`` is shown
#: beside the scores; ``fitted = True`` that it was fitted on the training patches.
Features: TypeAlias = Callable[[Array], Array]

#: Patches that are processed together: few, so that they stay in the processor's cache.
_CHUNK = 32


def embed(patches: Patches, features: Features) -> Floats:
    """Return the feature vectors of all patches, ``(len(patches), d)``.

    Raises:
        ValueError: When the extractor returns something else, or values that are not finite.
    """
    if isinstance(features, Cached):
        return features.of(patches)
    parts = []
    for first in range(0, len(patches), _CHUNK):
        index = np.arange(first, min(first + _CHUNK, len(patches)))
        vectors = np.asarray(features(patches.take(index)), np.float64)
        if vectors.ndim != 2 or len(vectors) != len(index) or not np.isfinite(vectors).all():
            raise ValueError(
                f"features of {len(index)} patches have shape {vectors.shape}; "
                f"expected ({len(index)}, d), all finite"
            )
        parts.append(vectors)
    return np.concatenate(parts)


class Cached:
    """An extractor that remembers the vectors of the sets of patches that it has seen.

    Metrics that share an extractor share its work, too. For one audit: it keeps the sets alive.
    """

    def __init__(self, features: Features) -> None:
        """Wrap an extractor."""
        self._features = features
        self._known: dict[int, tuple[Patches, Floats]] = {}
        self.name = str(getattr(features, "name", getattr(features, "__name__", "")))
        #: What the extractor's segmenter finds in patches; None when it has no segmenter.
        self.segment = getattr(features, "segment", None)

    def __call__(self, patches: Array) -> Array:
        """Return the vectors of an array of patches."""
        return self._features(patches)

    def of(self, patches: Patches) -> Floats:
        """Return the vectors of all patches of a set."""
        if id(patches) not in self._known:
            self._known[id(patches)] = patches, embed(patches, self._features)
        return self._known[id(patches)][1]


class FilterBank:
    """A fixed bank of filters over image and label, at scales of 1, 2, 4 and 8 voxels.

    Per scale: spread and asymmetry of the image, size of its first and second differences
    (contours, texture and noise, bright and dark ridges), the label's surface and ridges, and how
    image and label vary together. Beside these the image's percentiles, the vessel fraction and
    the contrast of vessels. All are means over the patch and sums over its axes, so that
    mirroring a patch or swapping its axes changes nothing. Of several channels or classes, each
    channel is taken with all vessels together, and each class with the first channel.
    """

    name = "filter-bank"

    def __init__(self, classes: int = 1) -> None:
        """Take labels of so many classes."""
        self._classes = classes

    def __call__(self, patches: Array) -> Floats:
        """Return vectors ``(n, d)``; ``d`` depends on size, channels and classes only.

        Args:
            patches: ``(n, channels, *size)``.
        """
        channels, labels = image_channels(patches), label_of(patches)
        vessel = np.asarray(labels > 0, np.float32)
        classes = self._classes
        parts = [(channels[:, number], vessel) for number in range(channels.shape[1])]
        if classes > 1:
            parts += [(channels[:, 0], labels == index) for index in range(1, classes + 1)]
        found = [self._columns(*(np.asarray(p, np.float32) for p in pair)) for pair in parts]
        return np.concatenate(found, axis=1)

    def _columns(self, image: Array, label: Array) -> Floats:
        """Return the vectors of one channel and the label of one class, or of all."""
        axes = tuple(range(1, image.ndim))
        fraction, covariance = label.mean(axes), _covariance(image, label)
        columns = [image.mean(axes), fraction]
        columns += list(np.quantile(image, (0.02, 0.25, 0.5, 0.75, 0.98), axis=axes))
        # The mean inside minus the mean outside of the vessels; 0 when one of them is empty.
        both = fraction * (1 - fraction)
        columns.append(np.divide(covariance, both, out=np.zeros_like(both), where=both > 0))
        scales = int(np.clip(np.log2(min(image.shape[1:])) - 1, 1, 4))
        for scale in range(scales):
            if scale:
                image, label = _halve(image), _halve(label)
            columns += _responses(image, label)
        return np.stack(columns, axis=1).astype(np.float64)


def _responses(image: Array, label: Array) -> list[Array]:
    """Return one column per filter, each ``(n,)``."""
    axes = tuple(range(1, image.ndim))
    centred = image - image.mean(axes, keepdims=True)
    variance = (centred**2).mean(axes)
    slopes = _differences([(axis, image, label) for axis in axes])
    bends = _differences(slopes)

    def total(values: Iterator[Array]) -> Array:
        return sum((v.mean(axes) for v in values), np.zeros(len(image), np.float32))

    return [
        np.sqrt(variance),
        (centred**3).mean(axes) / (variance + 1e-6),
        _covariance(image, label),
        total(np.abs(i) for _, i, _ in slopes),
        np.sqrt(total(i**2 for _, i, _ in slopes)),
        total(np.abs(m) for _, _, m in slopes),
        total(i * m for _, i, m in slopes),
        total(np.maximum(i, 0) for _, i, _ in bends),
        total(np.maximum(-i, 0) for _, i, _ in bends),
        total(np.abs(m) for _, _, m in bends),
    ]


def _differences(parts: list[tuple[int, Array, Array]]) -> list[tuple[int, Array, Array]]:
    """Return the differences of neighbours along each axis that has two."""
    return [
        (axis, np.diff(image, axis=axis), np.diff(label, axis=axis))
        for axis, image, label in parts
        if image.shape[axis] > 1
    ]


def _covariance(image: Array, label: Array) -> Array:
    axes = tuple(range(1, image.ndim))
    return (image * label).mean(axes) - image.mean(axes) * label.mean(axes)


def _halve(array: Array) -> Array:
    """Average pairs of voxels along every axis that has two; an odd last one is left out."""
    for axis in range(1, array.ndim):
        pairs = array.shape[axis] // 2
        if pairs > 1:
            first, second = (
                array[(slice(None),) * axis + (slice(start, 2 * pairs, 2),)] for start in (0, 1)
            )
            array = (first + second) / 2
    return array


class SegmenterFeatures:
    """The features that a segmenter has learnt, which was fitted on real patches.

    Attributes:
        fitted: It has seen the training patches, and so may tell them from others by itself:
            privacy scores must not use it.
    """

    fitted = True

    def __init__(self, segmenter: Segmenter, threshold: float | None = 0.5) -> None:
        """Wrap a fitted segmenter; see :func:`extractor`.

        Args:
            segmenter: One that :func:`offers_features`.
            threshold: The probability from which it takes a voxel for vessel; None: it takes the
                most probable of several classes.
        """
        self._segmenter, self._threshold = segmenter, threshold
        self.name = segmenter.name

    def __call__(self, patches: Array) -> Array:
        """Return what ``segmenter.features`` makes of patches: ``(n, d)``."""
        vectors = self._segmenter.features(patches)
        if vectors is None:
            raise ValueError(f"segmenter '{self.name}' returned no features")
        return vectors

    def segment(self, patches: Array) -> npt.NDArray[np.bool_]:
        """Return the vessels that the segmenter finds in the images of patches, ``(n, *size)``."""
        return segment(self._segmenter, image_of(patches), self._threshold)


def segment(segmenter: Segmenter, images: Array, threshold: float | None) -> npt.NDArray[np.bool_]:
    """Return the vessels that a fitted segmenter finds in images of patches, ``(n, *size)``.

    Of several classes, where it takes any for more probable than the background.
    """
    size = segmenter.setup.size
    block = size if len(size) == 3 else (*size, 1)
    found = []
    for image in images:
        volume = image.reshape(*image.shape[: image.ndim - len(size)], *block)
        predicted = segmenter.predict(volume, np.ones(block, bool))
        if predicted.ndim > len(block):
            found.append(predicted.argmax(axis=0) > 0)
        else:
            found.append(predicted >= threshold)
    return np.stack(found).reshape(len(images), *size)


def offers_features(segmenter: type[Plugin]) -> bool:
    """Return whether a segmenter has its own features."""
    return issubclass(segmenter, Segmenter) and segmenter.features is not Segmenter.features


def extractor(
    segmenter: Segmenter | None = None, threshold: float | None = 0.5, classes: int = 1
) -> Features:
    """Return the feature extractor to audit with.

    Args:
        segmenter: One that was fitted on real patches. When it :func:`offers_features`, these
            are used; else, and without one, the filter bank.
        threshold: The probability from which it takes a voxel for vessel; None: it takes the most
            probable of several classes.
        classes: Of the labels.
    """
    if segmenter is not None and offers_features(type(segmenter)):
        return SegmenterFeatures(segmenter, threshold)
    return FilterBank(classes)
