"""What segmenters that learn nothing share: they follow a rule, the bar for those that learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vbench.interfaces import Segmenter
from vbench.types import Array, Patches, Progress, Weights


class Rule(Segmenter):
    """A segmenter without training.

    ``measure`` says of each voxel how much it looks like a vessel. The probability threshold that
    vbench chooses on the validation subjects, for every segmenter alike, is the rule's threshold.
    """

    gpu = False

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn nothing."""
        yield Progress(1, 1)

    def predict(self, image: Array, mask: Array) -> Array:
        """Measure the box that holds the mask; 0 outside of the mask."""
        from scipy import ndimage

        mask = np.asarray(mask, bool)
        found = np.zeros(mask.shape, np.float32)
        if mask.any():
            box = ndimage.find_objects(mask.view(np.uint8))[0]
            values = self.measure(np.asarray(image[box], np.float32), mask[box])
            found[box] = np.where(mask[box], np.clip(values, 0, 1), 0)
        return found

    def measure(self, image: Array, mask: Array) -> Array:
        """Return values in [0, 1] for a part of a volume; what is outside of the mask is unused."""
        raise NotImplementedError

    def weights(self) -> Weights:
        """Return an empty table."""
        return {}

    def load_weights(self, weights: Weights) -> None:
        """Take over nothing."""

    def proportions(self) -> tuple[float, float, float]:
        """Return, by axis, by how much a length shrinks in voxels, from the finest axis to it.

        1 where the spacing is unknown; 0 on the last axis with 2D patches, slice by slice.
        """
        spacing = self.setup.spacing or (1.0, 1.0, 1.0)
        shrunk = [float(min(spacing) / length) for length in spacing]
        if self.setup.ndim == 2:
            flat = self.setup.spacing[:2] if self.setup.spacing else (1.0, 1.0)
            shrunk = [*(float(min(flat) / length) for length in flat), 0.0]
        x, y, z = shrunk
        return x, y, z


def inside(smooth: Any, image: Array, mask: Array) -> Array:
    """Smooth an image with voxels of the mask only, so that what is outside does not leak in.

    Args:
        smooth: Maps an array to its local mean, with zeros beyond the border.
        image: Any values.
        mask: bool, of the same shape.
    """
    weight = smooth(mask.astype(np.float32))
    total = smooth(np.where(mask, image, np.float32(0)))
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
