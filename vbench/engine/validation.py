"""Scores a segmenter on the validation subjects, and chooses its probability threshold there.

One mechanism for every arm, so that none is helped by its own choice of threshold or epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.interfaces import SegmentationMetric, Segmenter
from vbench.perclass import overall
from vbench.types import Array, Score, Volume

#: Thresholds that are tried.
THRESHOLDS: npt.NDArray[np.float64] = np.round(np.arange(0.02, 1.0, 0.02), 2)


@dataclass(frozen=True)
class Verdict:
    """How good a segmenter is on the validation subjects.

    Attributes:
        score: Mean of the validation metric over the subjects, at ``threshold``.
        threshold: Probability from which a voxel counts as vessel; None with several classes, of
            which the most probable is taken.
    """

    score: float
    threshold: float | None


def validate(
    segmenter: Segmenter, volumes: Sequence[Volume], metric: SegmentationMetric
) -> Verdict:
    """Predict the validation volumes; choose the threshold with the highest mean DSC; score there.

    Volumes are predicted as in the test, within the mask only, and voxels that nobody labelled do
    not count. Of several classes the most probable is taken, and a subject's score is the mean over
    its classes.

    Args:
        segmenter: In the state to score.
        volumes: The validation subjects.
        metric: The validation metric.
    """
    from vbench.data.predict import predict_volume
    from vbench.masks.pair import MaskPair

    if segmenter.setup.classes > 1:
        return _validate_classes(segmenter, volumes, metric)
    binned = [bin_by_threshold(predict_volume(segmenter, volume)) for volume in volumes]
    mean = np.mean(
        [
            _dice(bins, volume.label, volume.labelled)
            for bins, volume in zip(binned, volumes, strict=True)
        ],
        axis=0,
    )
    # Of thresholds that are equally good, the one nearest to the middle.
    ties = np.flatnonzero(mean >= mean.max() - 1e-12)
    index = int(ties[np.argmin(np.abs(THRESHOLDS[ties] - 0.5))])
    values = []
    for bins, volume in zip(binned, volumes, strict=True):
        pair = MaskPair(bins > index, volume.label > 0, volume.spacing, mask=volume.labelled)
        values.append(Score.of(metric.score(pair)).value)
    return Verdict(float(np.mean(values)), float(THRESHOLDS[index]))


def _validate_classes(
    segmenter: Segmenter, volumes: Sequence[Volume], metric: SegmentationMetric
) -> Verdict:
    from vbench.data.predict import decided, predict_volume
    from vbench.masks.maps import MapPair

    values = []
    for volume in volumes:
        found = decided(predict_volume(segmenter, volume), None)
        maps = MapPair(found, volume.label, volume.spacing, volume.labels, volume.labelled)
        values.append(overall(metric, maps))
    return Verdict(float(np.mean(values)), None)


def bin_by_threshold(probabilities: Array) -> npt.NDArray[np.uint8]:
    """Return how many of THRESHOLDS each probability reaches: ``bins > i`` is ``p >= t_i``.

    One byte per voxel is all that is kept of a volume.
    """
    return np.searchsorted(THRESHOLDS, probabilities, side="right").astype(np.uint8)


def dice_by_threshold(
    probabilities: Array, label: Array, where: Array | None = None
) -> npt.NDArray[np.float64]:
    """Return the DSC of ``probabilities >= t`` for each of THRESHOLDS, in one pass over the voxels.

    Args:
        probabilities: In [0, 1], any shape.
        label: 0 or 1, of the same shape.
        where: The voxels that count, bool; None: all.
    """
    return _dice(bin_by_threshold(probabilities), label, where)


def _dice(bins: Array, label: Array, where: Array | None) -> npt.NDArray[np.float64]:
    if where is not None:
        bins, label = bins[where], label[where]
    # Bin i holds what lies in [t_i-1, t_i); counted from above, that is "at least t_i".
    truth = np.asarray(label).ravel() > 0
    size = len(THRESHOLDS) + 1
    above = np.bincount(bins.ravel(), minlength=size)[::-1].cumsum()[::-1][1:]
    hits = np.bincount(bins.ravel()[truth], minlength=size)[::-1].cumsum()[::-1][1:]
    total = above + truth.sum()
    return np.where(total > 0, 2 * hits / np.maximum(total, 1), 1.0)
