"""scikit-image issue 3027: three equal slices stacked into a volume have an empty 3D skeleton."""

from __future__ import annotations

import numpy as np

from vbench import MaskPair


def test_slices():
    slice_ = np.zeros((40, 60), bool)
    slice_[4:36, 8:12] = slice_[4:8, 8:50] = True
    for count in (2, 3, 4):
        pair = MaskPair(np.stack([slice_] * count), np.stack([slice_] * count), (1, 1, 1))
        assert 55 <= len(pair.skeletons[0]) <= 80
