"""Scores of the vessel tree: centrelines, components, loops."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from vbench import MaskPair, Score, SegmentationMetric


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
