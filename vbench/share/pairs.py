"""Synthetic patches beside the training patches that they are nearest to, for the house's eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.audit.closeness import closest, views_of
from vbench.figures.pixels import enlarge, grey, tile
from vbench.layout import image_channels, label_of
from vbench.picture import Bytes, upright
from vbench.types import Array, Patches

Floats = npt.NDArray[np.float32]

#: Synthetic patches that are searched at most, drawn evenly.
_SEARCHED = 2000
#: Training patches that are compared at once.
_CHUNK = 2048
#: Width of a picture in pixels.
_WIDTH = 420


@dataclass(frozen=True)
class Pair:
    """A synthetic patch, the training patch it is nearest to, and their correlation."""

    patch: int
    training_patch: int
    correlation: float


def nearest_pairs(synthetic: Patches, training: Patches, count: int) -> list[Pair]:
    """Find the pairs whose images are most alike, by correlation, mirrored and turned or not.

    Args:
        synthetic: The set.
        training: The patches that its generator was fitted on.
        count: How many pairs, each of another synthetic patch.

    Returns:
        The most alike first.
    """
    n = min(len(synthetic), _SEARCHED)
    index = np.unique(np.linspace(0, len(synthetic) - 1, n).astype(np.int64))
    made = image_channels(synthetic.take(index))
    best, place = np.full(len(index), -np.inf, np.float32), np.zeros(len(index), np.int64)
    for start in range(0, len(training), _CHUNK):
        part = np.arange(start, min(start + _CHUNK, len(training)))
        found = closest(made, image_channels(training.take(part)))
        place = np.where(found.similarity > best, part[found.index], place)
        best = np.maximum(best, found.similarity)
    order = np.argsort(-best, kind="stable")[:count]
    return [Pair(int(index[i]), int(place[i]), float(best[i])) for i in order]


def picture(made: Array, real: Array) -> Bytes:
    """Show a synthetic patch, a training patch and their difference, side by side.

    The training patch is mirrored and turned to lie like the synthetic one; a block is shown by
    its slice with the most vessel, an image by its first channel. Of the difference grey is none.

    Args:
        made: ``(channels, *size)``.
        real: Likewise.
    """
    made, real = np.asarray(made, np.float32), _laid_like(np.asarray(real, np.float32), made)
    images = [_first(patch[None])[0] for patch in (made, real)]
    if images[0].ndim == 3:
        vessel = sum((label_of(patch[None])[0] > 0).sum(axis=(0, 1)) for patch in (made, real))
        images = [image[..., int(np.argmax(vessel))] for image in images]
    planes = [*images, (images[0] - images[1]) / 2]
    row = [enlarge(grey(upright(plane)), _WIDTH // 3) for plane in planes]
    return tile([row], gap=6, shade=255)


def _laid_like(real: Array, made: Array) -> Array:
    """Return a patch in that one of its symmetries whose image is most like another's."""
    number = int(closest(image_channels(real[None]), image_channels(made[None])).view[0])
    return views_of(real.shape[1:])[number].of(real)


def _first(patches: Array) -> Array:
    """Return the images of patches by their first channel, ``(n, *size)``."""
    return image_channels(patches)[:, 0]
