"""A predicted and a reference label map, for scores that need all classes at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vbench.masks.pair import MaskPair
from vbench.masks.places import find, joint_box

Map = npt.NDArray[np.integer]
#: Two classes that touch, the smaller index first.
Touching = frozenset[tuple[int, int]]


class MapPair:
    """Prediction and reference of one subject by class, 2D or 3D.

    Attributes:
        labels: Names of the classes; that of index 1 first.
        prediction: Index of each voxel's class, 0 for the background, ``(X, Y)`` or ``(X, Y, Z)``.
        truth: The same shape.
        spacing: Voxel edge lengths in mm.
        seed: For scores that depend on an order.
    """

    def __init__(
        self,
        prediction: npt.ArrayLike,
        truth: npt.ArrayLike,
        spacing: Sequence[float],
        labels: Sequence[str],
        mask: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        """Keep references to the maps; nothing is computed yet.

        Args:
            prediction: Index of each voxel's class, whole numbers from 0.
            truth: The same shape.
            spacing: Voxel edge lengths in mm, one per axis.
            labels: Names of the classes.
            mask: Where to score; outside, all is background. None: everywhere.
            seed: For scores that depend on an order.

        Raises:
            ValueError: When the shapes differ.
        """
        self.prediction, self.truth = np.asarray(prediction), np.asarray(truth)
        self.spacing, self.labels = tuple(spacing), tuple(labels)
        self.mask = None if mask is None else np.asarray(mask, bool)
        self.seed = seed
        if self.prediction.shape != self.truth.shape:
            raise ValueError(
                f"prediction has shape {self.prediction.shape}, truth has {self.truth.shape}"
            )
        self._of: dict[int, MaskPair] = {}

    @classmethod
    def of_masks(cls, pair: MaskPair) -> MapPair:
        """Return a pair of masks as maps of one class, ``vessel``."""
        prediction, truth = (mask.astype(np.uint8) for mask in pair.masks)
        maps = cls(prediction, truth, pair.spacing, ("vessel",), seed=pair.seed)
        maps._of[1] = pair  # with all that was computed of it
        return maps

    def of(self, index: int) -> MaskPair:
        """Return the masks of one class, the same object each time."""
        if index not in self._of:
            predicted, true = self.prediction == index, self.truth == index
            self._of[index] = MaskPair(predicted, true, self.spacing, self.mask, self.seed)
        return self._of[index]

    @cached_property
    def merged(self) -> MaskPair:
        """The masks of all classes together."""
        return MaskPair(self.prediction, self.truth, self.spacing, self.mask, self.seed)

    @cached_property
    def maps(self) -> tuple[Map, Map]:
        """Both maps within the mask, cropped to their joint box with a margin of one voxel."""
        both = [self.prediction, self.truth]
        if self.mask is not None:
            both = [np.where(self.mask, array, 0) for array in both]
        box = joint_box(find(both[0]), find(both[1]))
        cropped = [np.pad(array[box], 1) for array in both]
        return cropped[0], cropped[1]

    @cached_property
    def present(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The classes that the prediction has, and those that the reference has, in order."""
        found = [tuple(np.unique(array[array > 0]).tolist()) for array in self.maps]
        return found[0], found[1]

    @property
    def either(self) -> tuple[int, ...]:
        """The classes that one of the two maps has, in order."""
        return tuple(sorted({*self.present[0], *self.present[1]}))

    @cached_property
    def touching(self) -> tuple[Touching, Touching]:
        """The classes that touch in the prediction, and in the reference: that share a corner."""
        return _touching(self.maps[0]), _touching(self.maps[1])


def _touching(array: Map) -> Touching:
    """Return which classes of a map with a margin of one background voxel share a corner."""
    flat, strides = array.ravel(), [int(np.prod(array.shape[k + 1 :])) for k in range(array.ndim)]
    index = np.flatnonzero(flat)
    found: set[tuple[int, int]] = set()
    for move in itertools.product((1, 0, -1), repeat=array.ndim):
        if move <= (0,) * array.ndim:
            continue
        here = flat[index]
        there = flat[index + sum(a * b for a, b in zip(move, strides, strict=True))]
        apart = (here != there) & (there != 0)
        pairs = np.sort(np.stack([here[apart], there[apart]], axis=1), axis=1)
        found.update((int(a), int(b)) for a, b in np.unique(pairs, axis=0))
    return frozenset(found)
