"""Returns the training patches themselves: the upper bound of every score, and a privacy alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import image_of, images_shape, join_patches, label_of
from vbench.types import Array, Patches, Progress, Setup, Weights

_CHUNK = 256


class CopyParams(Params):
    """Parameters of :class:`Copy`."""

    keep: int = param(
        10_000, "Training patches kept, drawn without replacement when there are more", ge=1
    )


class Copy(Generator):
    """Keeps training patches and hands them out in random order."""

    name = "copy"
    classes = "any"
    channels = "any"
    Params = CopyParams
    tiny: ClassVar[Mapping[str, Any]] = {"keep": 16}

    def __init__(self, params: CopyParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self._images: Array = np.zeros(self._shape(0), np.float16)
        self._labels: Array = np.zeros((0, *setup.size), np.uint8)

    def _shape(self, n: int) -> tuple[int, ...]:
        return images_shape(n, self.setup.size, self.setup.contrasts)

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Keep patches; images as float16, the precision in which volumes are prepared."""
        order = np.random.default_rng(seed).permutation(len(patches))
        index = np.sort(order[: self.params.keep])
        images = np.empty(self._shape(len(index)), np.float16)
        labels = np.empty((len(index), *self.setup.size), np.uint8)
        for first in range(0, len(index), _CHUNK):
            taken = patches.take(index[first : first + _CHUNK])
            images[first : first + _CHUNK] = image_of(taken)
            labels[first : first + _CHUNK] = np.rint(label_of(taken))
        self._images, self._labels = images, labels
        yield Progress(1, 1, {"patches": float(len(index))})

    def sample(self, n: int, *, seed: int) -> Array:
        """Hand out kept patches in the order of a seeded permutation, again from its start."""
        order = np.random.default_rng(seed).permutation(len(self._images))
        index = np.resize(order, n)
        return join_patches(self._images[index], self._labels[index])

    def weights(self) -> Weights:
        """Return the kept patches."""
        return {"images": self._images.copy(), "labels": self._labels.copy()}

    def load_weights(self, weights: Weights) -> None:
        """Take over kept patches."""
        self._images = np.array(weights["images"])
        self._labels = np.array(weights["labels"])
