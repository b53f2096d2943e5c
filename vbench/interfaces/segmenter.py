"""Segmenters: fitted on labelled patches, they find the vessels of a volume."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from vbench.interfaces.fitted import Fitted
from vbench.types import Array, Kind, Portable


class Segmenter(Fitted):
    """Learns to find vessels from labelled patches, then maps a whole volume to probabilities."""

    kind: ClassVar[Kind] = "segmenter"

    @abstractmethod
    def predict(self, image: Array, mask: Array) -> Array:
        """Predict a volume of any shape.

        Args:
            image: ``(X, Y, Z)`` in [-1, 1], any float type, -1 outside of the mask; of several
                channels ``(channels, X, Y, Z)``.
            mask: bool ``(X, Y, Z)``: the prediction is used inside only, so that work outside
                can be left out.

        Returns:
            float32 ``(X, Y, Z)``, vessel probability in [0, 1], finite everywhere. Outside of the
            mask vbench puts 0 in its place. With several classes ``(classes + 1, X, Y, Z)``: the
            probability of the background, then of each class.
        """

    def portable(self) -> Portable | None:
        """Return the fitted network for use without vbench, or None: it cannot leave.

        ``vbench export-model`` writes it as a MONAI bundle, and checks that it gives the same
        probabilities.
        """
        return None

    def features(self, patches: Array) -> Array | None:
        """Return what the fitted method sees of labelled patches, or None when it offers nothing.

        Fidelity scores compare synthetic with real patches by these vectors, when the segmenter
        was fitted on real patches; with a method that does not override this, by a fixed bank of
        filters.

        Args:
            patches: float32 ``(n, channels, *size)``, of the size that it was built for.

        Returns:
            ``(n, d)``, finite, the vector of each patch independent of the others.
        """
        return None
