"""Scores of volume."""

from __future__ import annotations

from vbench import MaskPair, Score, SegmentationMetric


class VolumeError(SegmentationMetric):
    """Relative error of the vessel volume, ||P| − |T|| / |T|, a fraction; lower is better.

    Both masks empty: 0. Only the reference empty: 1, not defined. Only the prediction empty: 1.
    """

    name = "volume-error"
    paper = "Taha 2015, doi:10.1186/s12880-015-0068-x"
    higher_is_better = False

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        if not pair.n_truth:
            return Score(1.0, defined=False) if pair.n_prediction else Score(0.0)
        return Score(abs(pair.n_prediction - pair.n_truth) / pair.n_truth)
