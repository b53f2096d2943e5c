"""Brighter than its surroundings, and connected to what is much brighter: a rule without training.

A voxel's value is its intensity minus the mean around it. Hysteresis keeps a voxel above the lower
threshold when it is connected, through others, to one above the upper threshold.
"""

from __future__ import annotations

import numpy as np

from vbench.interfaces import Params, param
from vbench.types import Array
from vbench_plugins.segmenters.rule import Rule, inside


class LocalThresholdParams(Params):
    """Parameters of :class:`LocalThreshold`."""

    window: int = param(
        11,
        "Edge of the block whose mean is taken off; fewer voxels along thicker axes",
        unit="voxels of the finest axis",
        tune=[7, 11, 15],
        ge=3,
    )
    gap: float = param(
        0.4,
        "Upper threshold minus lower, in intensities of [-1, 1]; 0: one threshold",
        tune=(0.0, 0.6),
        ge=0,
        le=2,
    )


class LocalThreshold(Rule):
    """Intensity minus the local mean, then hysteresis; the vessels are bright.

    Both thresholds are chosen on the validation subjects: the lower one as every segmenter's
    probability threshold, the upper one by tuning ``gap``.
    """

    name = "local-threshold"
    Params = LocalThresholdParams

    def measure(self, image: Array, mask: Array) -> Array:
        """Return the highest lower threshold at which each voxel would be kept.

        That is the grey-scale reconstruction of ``value - gap`` under ``value``. It is shown as its
        square root, so that thresholds at even distances are finest where the contrast is low.
        """
        from scipy import ndimage
        from skimage.morphology import reconstruction

        edges = self.edges()
        mean = inside(
            lambda a: ndimage.uniform_filter(a, edges, mode="constant"),
            np.asarray(image, np.float32),
            mask,
        )
        value = np.where(mask, np.maximum(image - mean, 0), 0)
        if self.params.gap:
            marker = np.maximum(value - np.float32(self.params.gap), 0)
            around = np.ones([3 if edge > 1 else 1 for edge in edges])
            value = reconstruction(marker, value, footprint=around)
        return np.sqrt(value / 2, dtype=np.float32, casting="same_kind")

    def edges(self) -> tuple[int, ...]:
        """Return the window's edges, odd, in voxels of each axis."""
        lengths = (self.params.window * share for share in self.proportions())
        return tuple(2 * round((length - 1) / 2) + 1 if length > 1 else 1 for length in lengths)
