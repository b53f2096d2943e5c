"""How a labelled patch enters a network: the image's channels, then one channel for each class.

Everywhere else the label is one channel with the index of each voxel's class. With one class the
two are the same array, and nothing is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vbench.layout import LABEL_CHANNELS, image_channels, join_patches, label_of, one_hot
from vbench.types import Array, Setup

A = TypeVar("A")


@dataclass(frozen=True)
class Form:
    """The channels of patches inside of a network.

    Attributes:
        contrasts: Channels of an image.
        classes: Of a label, without the background.
    """

    contrasts: int = 1
    classes: int = LABEL_CHANNELS

    @classmethod
    def of(cls, setup: Setup) -> Form:
        """Return the form of a benchmark's patches."""
        return cls(setup.contrasts, setup.classes)

    @property
    def channels(self) -> int:
        """Channels of a patch."""
        return self.contrasts + self.classes

    def shape(self, n: int, size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of ``n`` patches."""
        return (n, self.channels, *size)

    def image(self, patches: A) -> A:
        """Return the images, a view ``(n, contrasts, *size)``."""
        found: A = patches[:, : self.contrasts]  # type: ignore[index]
        return found

    def label(self, patches: A) -> A:
        """Return the labels, a view ``(n, classes, *size)``."""
        found: A = patches[:, self.contrasts :]  # type: ignore[index]
        return found

    def spread(self, patches: Array) -> Array:
        """Give each class of labelled patches a channel, 0 or 1; one class has it already."""
        if self.classes == LABEL_CHANNELS:
            return patches
        labels = one_hot(label_of(patches), self.classes)
        return np.concatenate([image_channels(patches), labels], axis=1, dtype=np.float32)

    def gather(self, patches: Array, cut: float, lowest: float) -> Array:
        """Return labelled patches, float32 ``(n, contrasts + 1, *size)``.

        A voxel is vessel where what all classes have of it exceeds the cut; its class is then the
        one that has most.

        Args:
            patches: ``(n, contrasts + classes, *size)``.
            cut: In the unit of the label's channels.
            lowest: What these are where there is no vessel: 0, or -1 where they end at 1.
        """
        image, label = self.image(patches), self.label(patches)
        if self.classes == LABEL_CHANNELS:
            found = label[:, 0] > cut
        else:
            vessel = (label - lowest).sum(axis=1) > cut - lowest
            found = np.where(vessel, label.argmax(axis=1) + 1, 0)
        return join_patches(image[:, 0] if self.contrasts == 1 else image, found)


#: Of one contrast and one class.
ONE = Form()
