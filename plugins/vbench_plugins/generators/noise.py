"""Independent voxels with the mean, spread and vessel share of real patches: the floor.

Of each contrast by itself, and of each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, image_channels, label_of, one_hot
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.seeding import SAMPLE, numpy_rng


class NoiseParams(Params):
    """Parameters of :class:`Noise`."""

    patches: int = param(256, "Training patches that mean, spread and share are taken from", ge=1)


class Noise(Generator):
    """Gaussian intensities and random labels, from which a segmenter can learn nothing."""

    name = "noise"
    classes = "any"
    channels = "any"
    learns = "summary"
    Params = NoiseParams
    tiny: ClassVar[Mapping[str, Any]] = {"patches": 8}

    def __init__(self, params: NoiseParams, setup: Setup) -> None:
        super().__init__(params, setup)
        contrasts, classes = setup.contrasts, setup.classes
        shares = np.full(classes, 0.05 / classes)
        self._moments = np.concatenate([np.zeros(contrasts), np.full(contrasts, 0.5), shares])

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Measure mean and standard deviation of each contrast, and the share of each class."""
        drawn = patches.draw(self.params.patches, np.random.default_rng(seed))
        images = np.moveaxis(image_channels(drawn), 1, 0)
        labels = np.moveaxis(one_hot(label_of(drawn), self.setup.classes), 1, 0)
        found = [image.mean() for image in images]
        found += [image.std() for image in images]
        found += [label.mean() for label in labels]
        self._moments = np.array(found, np.float64)
        yield Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Array:
        """Draw every voxel by itself."""
        size, contrasts = self.setup.size, self.setup.contrasts
        means, sds, shares = np.split(self._moments, [contrasts, 2 * contrasts])
        ends = np.cumsum(shares)
        patches = empty_patches(n, size, contrasts)
        for index in range(n):
            rng = numpy_rng(seed, SAMPLE, index)
            for image, mean, sd in zip(image_channels(patches)[index], means, sds, strict=True):
                image[...] = np.clip(rng.normal(mean, sd, size), -1, 1)
            # The first share of which the voxel's number is below: beyond all of them, background.
            place = np.searchsorted(ends, rng.random(size), side="right")
            label_of(patches)[index] = np.where(place < len(ends), place + 1, 0)
        return patches

    def weights(self) -> Weights:
        """Return means, standard deviations and shares of the classes, in this order."""
        return {"moments": self._moments.copy()}

    def load_weights(self, weights: Weights) -> None:
        """Take over what was measured."""
        self._moments = np.array(weights["moments"], np.float64)
