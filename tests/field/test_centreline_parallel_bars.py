"""scikit-image issue 6321: of two parallel bars, skeletonize leaves one a line, one a point."""

from __future__ import annotations

import numpy as np

from vbench import MaskPair


def test_parallel_bars():
    truth = np.zeros((30, 60), bool)
    truth[4:6, 5:55] = truth[14:17, 5:55] = truth[22:26, 5:55] = True
    pair = MaskPair(truth, truth, (1, 1))
    rows = pair.skeletons[0] // pair.truth.shape[1]
    assert sorted(np.bincount(rows)[np.unique(rows)].tolist())[0] >= 46
    assert len(np.unique(rows)) == 3
