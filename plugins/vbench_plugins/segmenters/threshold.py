"""A plain intensity threshold: the bar that every network must clear."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vbench.interfaces import Params, Segmenter
from vbench.types import Array, Patches, Progress, Weights


class Threshold(Segmenter):
    """Predicts the normalised intensity itself as vessel probability.

    It learns nothing. The probability threshold that vbench chooses on the validation subjects,
    for every segmenter alike, is then the intensity threshold.
    """

    name = "threshold"
    Params = Params

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn nothing."""
        yield Progress(1, 1)

    def predict(self, image: Array, mask: Array) -> Array:
        """Map intensities of [-1, 1] to [0, 1]."""
        probability = (np.asarray(image, np.float32) + 1) / 2
        return np.where(mask, np.clip(probability, 0, 1), np.float32(0))

    def weights(self) -> Weights:
        """Return an empty table."""
        return {}

    def load_weights(self, weights: Weights) -> None:
        """Take over nothing."""
