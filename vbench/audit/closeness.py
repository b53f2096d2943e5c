"""How near a patch's image lies to a set of patches, whatever its contrast and its orientation.

Images are averaged over blocks, and brought to mean 0 and length 1; what is compared is their
correlation, the best over all mirror images and right-angle turns that keep the patch's shape.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.types import Array

Floats = npt.NDArray[np.float32]

#: Images are averaged over blocks until at most this many values are left.
_VALUES = 600
#: Images that are compared at once; bounds memory, changes nothing else.
_CHUNK = 1024
#: One minus the correlation below which two images count as equally near.
_NEAREST = 1e-3


@dataclass(frozen=True)
class View:
    """A symmetry of a patch: its axes in another order, then some of them mirrored."""

    axes: tuple[int, ...]
    mirrored: tuple[int, ...]

    def of(self, images: Array) -> Array:
        """Return images ``(n, *size)`` as they look so, without copying them.

        Further axes, such as channels, come after the first and stay where they are.
        """
        first = images.ndim - len(self.axes)
        turned = images.transpose(*range(first), *(axis + first for axis in self.axes))
        return np.flip(turned, tuple(axis + first for axis in self.mirrored))


@dataclass(frozen=True)
class Closest:
    """What was found for each image.

    Attributes:
        similarity: Correlation with the closest other, -1 to 1.
        index: Which of the others that is.
        view: Seen how, as a place in :func:`views_of`.
    """

    similarity: Floats
    index: npt.NDArray[np.intp]
    view: npt.NDArray[np.intp]

    def score(self) -> Floats:
        """Return how near the closest other is: minus the log of one minus the correlation.

        Up to a factor the log of the density of the others at this place, as estimated by the
        nearest one.
        """
        score: Floats = -np.log(np.maximum(1 - self.similarity, 0) + _NEAREST)
        return score


def views_of(size: tuple[int, ...]) -> tuple[View, ...]:
    """Return all symmetries that keep a patch's shape: 8 of a square, 48 of a cube."""
    dims = range(len(size))
    orders = [o for o in itertools.permutations(dims) if tuple(size[a] for a in o) == size]
    mirrors = [m for n in range(len(size) + 1) for m in itertools.combinations(dims, n)]
    return tuple(View(order, mirror) for order in orders for mirror in mirrors)


def closest(images: Array, others: Array) -> Closest:
    """Find for each image the most similar of some others, in all channels together.

    Args:
        images: ``(n, channels, *size)``.
        others: ``(m, channels, *size)``, at least one.
    """
    images, others = _coarse(images), _coarse(others)
    known = _vectors(others).T
    best = np.full(len(images), -np.inf, np.float32)
    index, view = (np.zeros(len(images), np.intp) for _ in range(2))
    for number, seen in enumerate(views_of(images.shape[2:])):
        points = _vectors(seen.of(images))
        for first in range(0, len(images), _CHUNK):
            part = slice(first, first + _CHUNK)
            found = points[part] @ known
            place = found.argmax(axis=1)
            value = found[np.arange(len(place)), place]
            better = np.flatnonzero(value > best[part]) + first
            best[better] = value[better - first]
            index[better], view[better] = place[better - first], number
    return Closest(best, index, view)


def _vectors(images: Array) -> Floats:
    """Return images as vectors of length 1: each channel of mean 0, and as long as the others.

    A constant channel is 0.
    """
    flat = np.asarray(images, np.float32).reshape(*images.shape[:2], -1)
    flat = flat - flat.mean(axis=2, keepdims=True)
    length = np.linalg.norm(flat, axis=2, keepdims=True) * np.float32(np.sqrt(flat.shape[1]))
    found = np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-6)
    return found.reshape(len(found), -1)


def _coarse(given: Array) -> Floats:
    """Average pairs of voxels along even axes, until few values are left.

    An odd axis stays as it is, so that the coarse mirror image is the mirror image's coarse one.
    """
    images: Floats = np.asarray(given, np.float32)
    while np.prod(images.shape[2:]) > _VALUES:
        even = [axis for axis in range(2, images.ndim) if images.shape[axis] % 2 == 0]
        if not even:
            break
        for axis in even:
            before = (slice(None),) * axis
            first, second = (images[(*before, slice(start, None, 2))] for start in (0, 1))
            images = ((first + second) / 2).astype(np.float32)
    return images
