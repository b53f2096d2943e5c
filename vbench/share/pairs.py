"""Synthetic patches beside the training patches that they are nearest to, for the house's eyes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.figures.pixels import enlarge, grey, tile
from vbench.layout import image_of, label_of
from vbench.picture import Bytes, upright
from vbench.types import Array, Patches

Floats = npt.NDArray[np.float32]

#: Synthetic patches that are searched at most, drawn evenly.
_SEARCHED = 2000
#: Images are averaged until at most this many values are left.
_VALUES = 1024
_CHUNK = 512
#: Width of a picture in pixels.
_WIDTH = 420


@dataclass(frozen=True)
class Pair:
    """A synthetic patch, the training patch it is nearest to, and their correlation."""

    patch: int
    training_patch: int
    correlation: float


def nearest_pairs(synthetic: Patches, training: Patches, count: int) -> list[Pair]:
    """Find the pairs whose images are most alike, by correlation, as they lie.

    Args:
        synthetic: The set.
        training: The patches that its generator was fitted on.
        count: How many pairs, each of another synthetic patch.

    Returns:
        The most alike first.
    """
    n = min(len(synthetic), _SEARCHED)
    index = np.unique(np.linspace(0, len(synthetic) - 1, n).astype(np.int64))
    made = _points(synthetic, index)
    best, place = np.full(len(index), -np.inf, np.float32), np.zeros(len(index), np.int64)
    for start in range(0, len(training), _CHUNK):
        part = np.arange(start, min(start + _CHUNK, len(training)))
        found = made @ _points(training, part).T
        here = found.argmax(axis=1)
        value = found[np.arange(len(index)), here]
        place = np.where(value > best, part[here], place)
        best = np.maximum(best, value)
    order = np.argsort(-best, kind="stable")[:count]
    return [Pair(int(index[i]), int(place[i]), float(best[i])) for i in order]


def _points(patches: Patches, index: npt.NDArray[np.int64]) -> Floats:
    """Return images as vectors of mean 0 and length 1, averaged where they are large."""
    parts = []
    for start in range(0, len(index), _CHUNK):
        image: Array = image_of(patches.take(index[start : start + _CHUNK]))
        while np.prod(image.shape[1:]) > _VALUES:
            even = [axis for axis in range(1, image.ndim) if image.shape[axis] % 2 == 0]
            if not even:
                break
            for axis in even:
                low, high = (np.arange(first, image.shape[axis], 2) for first in (0, 1))
                image = (image.take(low, axis) + image.take(high, axis)) / 2
        flat = image.reshape(len(image), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        parts.append(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12))
    return np.concatenate(parts).astype(np.float32)


def picture(made: Array, real: Array) -> Bytes:
    """Show a synthetic patch, a training patch and their difference, side by side.

    The training patch is mirrored and turned to lie like the synthetic one; a block is shown by
    its slice with the most vessel. Of the difference grey is none.

    Args:
        made: ``(channels, *size)``.
        real: Likewise.
    """
    made, real = np.asarray(made, np.float32), _laid_like(np.asarray(real, np.float32), made)
    images = [image_of(patch[None])[0] for patch in (made, real)]
    if images[0].ndim == 3:
        vessel = sum((label_of(patch[None])[0] > 0).sum(axis=(0, 1)) for patch in (made, real))
        images = [image[..., int(np.argmax(vessel))] for image in images]
    planes = [*images, (images[0] - images[1]) / 2]
    row = [enlarge(grey(upright(plane)), _WIDTH // 3) for plane in planes]
    return tile([row], gap=6, shade=255)


def _laid_like(real: Array, made: Array) -> Array:
    """Return a patch in that one of its symmetries whose image is most like another's."""
    size = real.shape[1:]
    target = image_of(made[None])[0]
    target = target - target.mean()

    def alike(patch: Array) -> float:
        image = image_of(patch[None])[0]
        spread = float(image.std())
        return float(((image - image.mean()) * target).mean()) / (spread or 1.0)

    steps = list(itertools.product((slice(None), slice(None, None, -1)), repeat=len(size)))
    turned = [real.transpose(0, *order) for order in itertools.permutations(range(1, real.ndim))]
    views = [t[(slice(None), *flip)] for t in turned if t.shape[1:] == size for flip in steps]
    return max(views, key=alike)
