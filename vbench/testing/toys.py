"""Small synthetic inputs for the conformance kit: bright tubes on a dim, noisy ground.

They stand on numpy alone, so that a plugin can be checked where no data set and no other plugin
is at hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.layout import empty_patches, image_of, join_patches, label_of
from vbench.masks.maps import MapPair
from vbench.masks.pair import MaskPair
from vbench.types import CHANNELS, LABELS, Array, Patches, Volume

#: Spacing in mm, another for each axis, so that a mistaken order shows.
SPACING = (0.5, 0.6, 0.8)


def tubes(shape: tuple[int, ...], rng: np.random.Generator, n: int = 2) -> npt.NDArray[np.bool_]:
    """Return a mask of ``n`` straight tubes of radius 1 to 2.5 voxels, in 2D or 3D."""
    places = np.moveaxis(np.indices(shape), 0, -1).astype(np.float64)
    mask = np.zeros(shape, dtype=bool)
    for _ in range(n):
        start = rng.uniform(0, 1, len(shape)) * np.asarray(shape)
        direction = rng.normal(size=len(shape))
        direction /= np.linalg.norm(direction)
        offset = places - start
        along = offset @ direction
        distance = np.linalg.norm(offset - along[..., None] * direction, axis=-1)
        mask |= distance <= rng.uniform(1.0, 2.5)
    return mask


def imaged(mask: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return an image in [-1, 1] of a mask: vessels bright, the rest dim, with noise."""
    image = np.where(mask, 0.5, -0.5) + 0.1 * rng.normal(size=mask.shape)
    return np.clip(image, -1.0, 1.0).astype(np.float32)


class ToyPatches(Patches):
    """Labelled patches with tubes, of three subjects; the same for the same arguments.

    Only what :class:`~vbench.types.Patches` promises is public, so a plugin that leans on more
    does not pass.
    """

    def __init__(
        self,
        size: tuple[int, ...],
        n: int = 24,
        seed: int = 0,
        *,
        classes: int = 1,
        channels: int = 1,
    ) -> None:
        """Draw the patches.

        Args:
            size: Patch extent, 2 or 3 entries.
            n: How many.
            seed: Another seed gives other patches of the same distribution.
            classes: Of the label.
            channels: Of the image.
        """
        self.size = size
        self.labels, self.channels = names(classes, channels)
        self.subject_index = np.arange(n, dtype=np.int32) % 3
        self.__patches = _drawn(size, n, seed, classes, channels)

    @property
    def volumes(self) -> Sequence[Volume]:
        """Return three small volumes, which cannot be written to."""
        return _volumes(self.size, self.labels, self.channels)

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.__patches)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return a copy of these patches."""
        return self.__patches[np.asarray(index)].copy()

    def digest(self) -> str:
        """Return a digest of all that a plugin must leave as it is."""
        content = hashlib.sha256(self.__patches.tobytes() + self.subject_index.tobytes())
        return f"{content.hexdigest()} {self.size}"


def names(classes: int, channels: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names of so many classes and channels."""
    return (
        LABELS if classes == 1 else tuple(f"class {i + 1}" for i in range(classes)),
        CHANNELS if channels == 1 else tuple(f"channel {i + 1}" for i in range(channels)),
    )


@lru_cache(maxsize=8)
def _drawn(size: tuple[int, ...], n: int, seed: int, classes: int, channels: int) -> Array:
    """Draw labelled patches ``(n, channels, *size)``, once for all checks that ask for them."""
    rng = np.random.default_rng([seed, *size])
    # The first is empty, as a share of real patches is.
    masks = [tubes(size, rng, n=int(i > 0) * int(rng.integers(1, 4))) for i in range(n)]
    images, label = np.stack([imaged(m, rng) for m in masks]), np.stack(masks)
    if channels > 1:  # each darker than the one before
        several = [images, *(images * 0.5**i - 0.1 * i for i in range(1, channels))]
        images = np.stack(several, axis=1)
    patches = join_patches(images, label * by_place(size, classes))
    patches.flags.writeable = False
    return patches


@lru_cache(maxsize=8)
def _volumes(
    size: tuple[int, ...], labels: tuple[str, ...], channels: tuple[str, ...]
) -> tuple[Volume, ...]:
    """Draw three volumes of twice the extent of a patch, 8 slices where it has two axes."""
    shape = (*(2 * edge for edge in size), 8)[:3]
    made = []
    for number in range(3):
        image, mask = volume(shape, number, len(channels))
        vessel = tubes(shape, np.random.default_rng(number)) & mask  # as `volume` draws them
        label = (vessel * by_place(shape, len(labels))).astype(np.uint8)
        affine = np.diag([*SPACING, 1.0])
        arrays = (image.astype(np.float16), label, mask)
        for array in arrays:
            array.flags.writeable = False
        values = tuple(range(1, len(labels) + 1))
        made.append(
            Volume(
                f"toy-{number}",
                *arrays,
                spacing=SPACING,
                affine=affine,
                native_affine=affine,
                labels=labels,
                channels=channels,
                values=values,
            )
        )
    return tuple(made)


def by_place(size: tuple[int, ...], classes: int) -> npt.NDArray[np.uint8]:
    """Return the class of a vessel by its place along the last axis, from 1."""
    return (1 + np.arange(size[-1]) * classes // size[-1]).astype(np.uint8)


class NoisePatches(ToyPatches):
    """Patches that hold nothing to learn: uniform intensities, random labels."""

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return noise that depends on the indices only."""
        out = empty_patches(len(index), self.size, len(self.channels))
        images = image_of(out)
        for row, i in enumerate(np.asarray(index)):
            rng = np.random.default_rng(int(i))
            images[row] = rng.uniform(-1, 1, images.shape[1:])
            label_of(out)[row] = rng.random(self.size) < 0.5
        return out


def features(patches: Array) -> npt.NDArray[np.float64]:
    """Map patches ``(n, channels, *size)`` to moments and gradients by channel, ``(n, 8)``."""
    columns = []
    for channel in np.moveaxis(np.asarray(patches, dtype=np.float64), 1, 0):
        flat = channel.reshape(len(channel), -1)
        steps = np.abs(np.diff(channel, axis=1)).reshape(len(channel), -1)
        columns += [flat.mean(1), flat.std(1), steps.mean(1), steps.std(1)]
    return np.stack(columns, axis=1)


def volume(shape: tuple[int, ...], seed: int = 0, channels: int = 1) -> tuple[Array, Array]:
    """Return an image ``(X, Y, Z)`` in [-1, 1] and its mask, a box with a margin where it fits.

    The image is -1 outside of the mask, as a prepared volume's is; of several channels it is
    ``(channels, X, Y, Z)``.
    """
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(1, n - 1) if n > 2 else slice(None) for n in shape)] = True
    image = np.where(mask, imaged(tubes(shape, rng), rng), -1.0).astype(np.float32)
    return image if channels == 1 else np.stack([image] * channels), mask


def mask_pairs(ndim: int) -> dict[str, MaskPair]:
    """Return pairs of masks by what is special about them, the empty ones among them."""
    rng = np.random.default_rng(ndim)
    shape = (14, 12, 10)[:ndim]
    truth = tubes(shape, rng)
    shifted = np.roll(truth, 1, axis=0)
    empty = np.zeros(shape, dtype=bool)
    masks: dict[str, tuple[Any, Any]] = {
        "overlapping": (shifted, truth),
        "identical": (truth, truth),
        "empty prediction": (empty, truth),
        "empty truth": (truth, empty),
        "both empty": (empty, empty),
    }
    return {case: MaskPair(p, t, SPACING[:ndim]) for case, (p, t) in masks.items()}


def map_pairs(ndim: int) -> dict[str, MapPair]:
    """Return pairs of label maps of three classes, of which one or both may lack some."""
    rng = np.random.default_rng(ndim)
    shape = (14, 12, 10)[:ndim]
    truth = tubes(shape, rng).astype(np.uint8)
    truth[shape[0] // 2 :] *= 2
    shifted = np.roll(truth, 1, axis=1)
    empty, third = np.zeros_like(truth), np.where(truth == 2, 3, truth)
    maps: dict[str, tuple[Any, Any]] = {
        "overlapping": (shifted, truth),
        "identical": (truth, truth),
        "another class": (third, truth),
        "one class empty": (np.where(truth == 1, 0, truth), truth),
        "empty prediction": (empty, truth),
        "empty truth": (truth, empty),
        "both empty": (empty, empty),
    }
    names = ("artery", "vein", "other")
    return {case: MapPair(p, t, SPACING[:ndim], names) for case, (p, t) in maps.items()}
