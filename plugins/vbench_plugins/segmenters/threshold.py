"""A plain intensity threshold."""

from __future__ import annotations

from vbench.interfaces import Params
from vbench.types import Array
from vbench_plugins.segmenters.rule import Rule


class Threshold(Rule):
    """Predicts the normalised intensity itself as vessel probability."""

    name = "threshold"
    Params = Params

    def measure(self, image: Array, mask: Array) -> Array:
        """Map intensities of [-1, 1] to [0, 1]."""
        return (image + 1) / 2
