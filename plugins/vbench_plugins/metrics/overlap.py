"""Scores of shared voxels: Dice, precision, recall, and recall by vessel radius."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from vbench import MaskPair, Score, SegmentationMetric
from vbench.masks.lengths import below


class Dice(SegmentationMetric):
    """Dice similarity coefficient, 2·|P∩T| / (|P| + |T|), in [0, 1]; higher is better.

    Both masks empty: 1. One empty: 0.
    """

    name = "dsc"
    paper = "Dice 1945, doi:10.2307/1932409"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        total = pair.n_prediction + pair.n_truth
        return Score(2 * pair.n_both / total if total else 1.0)


class Precision(SegmentationMetric):
    """Share of the predicted voxels that are vessel, |P∩T| / |P|, in [0, 1]; higher is better.

    Both masks empty: 1. Only the prediction empty: 0, not defined. Only the reference empty: 0.
    """

    name = "precision"
    paper = "Taha 2015, doi:10.1186/s12880-015-0068-x"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        return _share(pair.n_both, pair.n_prediction, both_empty=not pair.n_truth)


class Recall(SegmentationMetric):
    """Share of the vessel voxels that are predicted, |P∩T| / |T|, in [0, 1]; higher is better.

    Both masks empty: 1. Only the reference empty: 0, not defined. Only the prediction empty: 0.
    """

    name = "recall"
    paper = "Taha 2015, doi:10.1186/s12880-015-0068-x"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        return _share(pair.n_both, pair.n_truth, both_empty=not pair.n_prediction)


def _share(part: int, whole: int, *, both_empty: bool) -> Score:
    if whole:
        return Score(part / whole)
    return Score(1.0) if both_empty else Score(0.0, defined=False)


#: Share of the union of two masks that they have in common, from which a vessel counts as found.
FOUND = 0.25


def jaccard(pair: MaskPair) -> float:
    """Return |P∩T| / |P∪T|; 0 when one mask is empty, or both."""
    return pair.n_both / max(pair.n_prediction + pair.n_truth - pair.n_both, 1)


class Detection(SegmentationMetric):
    """Whether a vessel is found, |P∩T| / |P∪T| ≥ 0.25: 1 or 0; higher is better.

    Both masks empty: 1, since nothing was made up, not defined. One empty: 0.
    """

    name = "detection"
    paper = "Yang 2023, arXiv:2312.17670"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        if not pair.n_prediction and not pair.n_truth:
            return Score(1.0, defined=False)
        return Score(float(jaccard(pair) >= FOUND))


class RecallByRadius(SegmentationMetric):
    """Base: recall among the true voxels of vessels of some radius, in [0, 1]; higher is better.

    A voxel's radius is that of its vessel, ``MaskPair.truth_radius``: at the nearest centreline
    voxel, the mean distance of the vessel's surface from its middle. No true voxel of that radius:
    1, since none was missed, not defined. Version 1 took the distance to the nearest background,
    which reads about half a voxel too thin, and lost centrelines of vessels of even width.

    Attributes:
        edges: Radii in mm where one class ends and the next begins.
        place: Which class.
    """

    version = 2
    edges: ClassVar[tuple[float, float]] = (1.0, 2.0)
    place: ClassVar[int]

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        reached = [~below(pair.truth_radius, edge) for edge in self.edges]
        chosen = pair.index[1][np.sum(reached, axis=0) == self.place]
        if not len(chosen):
            return Score(1.0, defined=False)
        return Score(float(np.mean(pair.prediction.ravel()[chosen])))


class RecallBelow1(RecallByRadius):
    """Recall of vessels with a radius below 1 mm, in [0, 1]; higher is better.

    No true voxel of that radius: 1, not defined.
    """

    name = "recall-below-1mm"
    place = 0


class Recall1To2(RecallByRadius):
    """Recall of vessels with a radius from 1 to below 2 mm, in [0, 1]; higher is better.

    No true voxel of that radius: 1, not defined.
    """

    name = "recall-1-2mm"
    place = 1


class RecallAbove2(RecallByRadius):
    """Recall of vessels with a radius of 2 mm or more, in [0, 1]; higher is better.

    No true voxel of that radius: 1, not defined.
    """

    name = "recall-above-2mm"
    place = 2
