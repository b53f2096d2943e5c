"""Nearest neighbours among patches, in two spaces: an embedding, and raw intensities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench import Patches
from vbench.features import FilterBank, embed
from vbench.layout import image_of

Floats = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]

#: Raw images are averaged over blocks until at most this many values are left.
_VALUES = 1024
#: Training patches, nearest by features that mirroring does not change, whose mirror images and
#: rotations a patch is compared with.
_CANDIDATES = 5
_CHUNK = 256


@dataclass(frozen=True)
class Vectors:
    """A set of patches as points.

    Attributes:
        points: ``(n, d)``.
        subject: The subject of each, numbered within the set from 0.
    """

    points: Floats
    subject: npt.NDArray[np.int64]

    @property
    def subjects(self) -> int:
        """Number of subjects."""
        return int(self.subject.max()) + 1


def spaces(sets: tuple[Patches, ...], features: Any) -> dict[str, tuple[Vectors, ...]]:
    """Place sets of patches in both spaces.

    Args:
        sets: Synthetic patches first, then real ones.
        features: The extractor; its features are scaled to the real patches' deviation.

    Returns:
        ``embedding`` and ``raw``, each with one entry per set.
    """
    subjects = [np.unique(patches.subject_index, return_inverse=True)[1] for patches in sets]
    embedded = [embed(patches, features) for patches in sets]
    real = np.concatenate(embedded[1:])
    deviation = real.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    found = {
        "embedding": [(points - real.mean(axis=0)) / scale for points in embedded],
        "raw": [raw_points(patches) for patches in sets],
    }
    return {
        name: tuple(Vectors(p, s) for p, s in zip(points, subjects, strict=True))
        for name, points in found.items()
    }


def raw_points(patches: Patches) -> Floats:
    """Return the images as vectors ``(n, values)``, averaged over blocks when they are large."""
    parts = []
    for first in range(0, len(patches), _CHUNK):
        image = image_of(patches.take(np.arange(first, min(first + _CHUNK, len(patches)))))
        parts.append(_coarse(image).reshape(len(image), -1))
    return np.concatenate(parts).astype(np.float32)


def _coarse(image: Floats) -> Floats:
    """Average pairs of voxels along even axes, until few values are left.

    An odd axis stays as it is, so that the coarse mirror image is the mirror image's coarse one.
    """
    while np.prod(image.shape[1:]) > _VALUES:
        even = [axis for axis in range(1, image.ndim) if image.shape[axis] % 2 == 0]
        if not even:
            break
        for axis in even:
            before = (slice(None),) * axis
            image = (image[(*before, slice(0, None, 2))] + image[(*before, slice(1, None, 2))]) / 2
    return image


def nearest(points: Floats, others: Floats, most: int = 1) -> tuple[Indices, Floats]:
    """Find the nearest others of each point.

    Returns:
        Their indices ``(n, k)``, nearest first, and exact Euclidean distances ``(n, k)``, with
        ``k = min(most, len(others))``.
    """
    k = min(most, len(others))
    # Found by products in single precision, which is fast; then measured exactly, because that
    # of a copy is 0 and not the rounding of two large numbers' difference.
    single = others.astype(np.float32)
    lengths = (single**2).sum(axis=1)
    places = np.empty((len(points), k), np.intp)
    for first in range(0, len(points), _CHUNK):
        part = slice(first, first + _CHUNK)
        squared = lengths - 2 * (points[part].astype(np.float32) @ single.T)
        places[part] = np.argpartition(squared, k - 1, axis=1)[:, :k]
    distance = np.stack(
        [_length(points - others[places[:, column]]) for column in range(k)], axis=1
    )
    order = np.argsort(distance, axis=1, kind="stable")
    return np.take_along_axis(places, order, 1), np.take_along_axis(distance, order, 1)


def nearest_by_subject(points: Floats, others: Vectors) -> Floats:
    """Return the distance of each point to the nearest patch of each subject, ``(n, subjects)``."""
    return np.stack(
        [
            nearest(points, others.points[others.subject == subject])[1][:, 0]
            for subject in range(others.subjects)
        ],
        axis=1,
    )


def nearest_mirrored(patches: Patches, index: Indices, others: Patches, features: Any) -> Floats:
    """Return raw distances to the nearest of others, mirrored and rotated by right angles.

    Of each patch, all symmetries that keep its shape are compared with its nearest others in
    features that these do not change: a mirrored copy is the very nearest there.

    Args:
        patches: A set.
        index: Which patches of the set to compare.
        others: Where to look for neighbours.
        features: The extractor, where it is ``invariant``; the filter bank is used otherwise.
    """
    bank = features if getattr(features, "invariant", False) else FilterBank()
    known = embed(others, bank)
    scale = known.std(axis=0) + 1e-9
    candidates, _ = nearest(embed(patches, bank)[index] / scale, known / scale, _CANDIDATES)
    first = patches.take(index[:1])
    views = _symmetries(_coarse(image_of(first)).shape[1:])
    points, mine = raw_points(others), raw_points(patches)[index]
    return np.array(
        [
            _length(point[views][:, None] - points[near][None]).min()
            for point, near in zip(mine, candidates, strict=True)
        ]
    )


def _symmetries(size: tuple[int, ...]) -> Indices:
    """Return flat indices of an image mirrored along, and with swaps of, axes of equal extent.

    One row for each symmetry that keeps the shape, ``(symmetries, values)``.
    """
    flat = np.arange(int(np.prod(size))).reshape(size)
    turned = [flat.transpose(order) for order in itertools.permutations(range(len(size)))]
    mirrors = list(itertools.product((slice(None), slice(None, None, -1)), repeat=len(size)))
    views = [t[mirror] for t in turned if t.shape == size for mirror in mirrors]
    return np.stack([view.ravel() for view in views])


def _length(difference: Floats) -> Floats:
    return np.sqrt((difference.astype(np.float64) ** 2).sum(axis=-1))
