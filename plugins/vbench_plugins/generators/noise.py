"""Independent voxels with the mean, spread and vessel share of real patches: the floor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, image_of, label_of
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.seeding import SAMPLE, numpy_rng


class NoiseParams(Params):
    """Parameters of :class:`Noise`."""

    patches: int = param(256, "Training patches that mean, spread and share are taken from", ge=1)


class Noise(Generator):
    """Gaussian intensities and random labels, from which a segmenter can learn nothing."""

    name = "noise"
    learns = "summary"
    Params = NoiseParams
    tiny: ClassVar[Mapping[str, Any]] = {"patches": 8}

    def __init__(self, params: NoiseParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self._moments = np.array([0.0, 0.5, 0.05])

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Measure mean and standard deviation of the image, and the share of vessel voxels."""
        drawn = patches.draw(self.params.patches, np.random.default_rng(seed))
        image, label = image_of(drawn), label_of(drawn)
        self._moments = np.array([image.mean(), image.std(), label.mean()], np.float64)
        yield Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Array:
        """Draw every voxel by itself."""
        mean, sd, share = self._moments
        patches = empty_patches(n, self.setup.size)
        for index in range(n):
            rng = numpy_rng(seed, SAMPLE, index)
            image_of(patches)[index] = np.clip(rng.normal(mean, sd, self.setup.size), -1, 1)
            label_of(patches)[index] = rng.random(self.setup.size) < share
        return patches

    def weights(self) -> Weights:
        """Return mean, standard deviation and vessel share."""
        return {"moments": self._moments.copy()}

    def load_weights(self, weights: Weights) -> None:
        """Take over what was measured."""
        self._moments = np.array(weights["moments"], np.float64)
