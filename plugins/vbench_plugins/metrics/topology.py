"""Scores of the vessel tree: centrelines, components, loops."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from vbench import MaskPair, Score, SegmentationMetric
from vbench.masks.voxels import components


class CentrelineDice(SegmentationMetric):
    """Centreline Dice: harmonic mean of how much of each centreline lies in the other mask.

    In [0, 1]; higher is better. Both masks empty: 1. One empty: 0. A centreline has all
    components, loops and cavities of its mask, at any width. Version 1 thinned as scikit-image
    does, which deletes vessels of even width.
    """

    name = "cldice"
    version = 2
    paper = "Shit 2021, arXiv:2003.07311"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        if not pair.n_prediction or not pair.n_truth:
            return Score(1.0 if pair.n_prediction == pair.n_truth else 0.0)
        predicted, true = pair.skeletons
        precision = float(np.mean(pair.truth.ravel()[predicted]))
        recall = float(np.mean(pair.prediction.ravel()[true]))
        both = precision + recall
        return Score(2 * precision * recall / both if both else 0.0)


class BettiError(SegmentationMetric):
    """Base: absolute difference of a Betti number, a count; lower is better.

    An empty mask has none. Voxels that share a corner touch (connectivity 26, in 2D 8);
    background voxels that share a face do (6, in 2D 4).
    """

    higher_is_better = False
    dimension: ClassVar[int]

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        predicted, true = pair.betti
        return Score(float(abs(predicted[self.dimension] - true[self.dimension])))


class ComponentsError(BettiError):
    """Absolute difference of the numbers of connected components, a count; lower is better.

    An empty mask has none. Connectivity 26, in 2D 8.
    """

    name = "betti0-error"
    paper = "Hu 2019, arXiv:1906.05404"
    dimension = 0


class LoopsError(BettiError):
    """Absolute difference of the numbers of loops (in 2D: holes), a count; lower is better.

    An empty mask has none. Components plus cavities minus Euler's number, connectivity 26/6, in
    2D 8/4.
    """

    name = "betti1-error"
    paper = "Hu 2019, arXiv:1906.05404"
    dimension = 1


class ComponentsMatchingError(SegmentationMetric):
    """Components of either mask without a partner in the other, a count; lower is better.

    The Betti matching error in dimension 0. Components are matched where they lie in one component
    of the union of both masks, one of each mask there. So a component that is missed and one that
    is made up elsewhere are two errors, where ``betti0-error`` sees none. An empty mask has none.
    Connectivity 26, in 2D 8. For loops (dimension 1) vbench has no such score.
    """

    name = "betti0-matching-error"
    higher_is_better = False
    paper = "Stucki 2023, arXiv:2211.15272"

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        both = pair.prediction | pair.truth
        index = np.flatnonzero(both)
        if not len(index):
            return Score(0.0)
        label = components(both, index)
        predicted, true = (np.unique(label[mask.ravel()[index]]) for mask in pair.masks)
        matched = len(np.intersect1d(predicted, true, assume_unique=True))
        return Score(float(sum(numbers[0] for numbers in pair.betti) - 2 * matched))
