"""clDice issue 7: the soft skeleton of one connected 3D shape falls apart."""

from __future__ import annotations

import numpy as np

from vbench import MaskPair


def test_one_piece():
    shape = np.zeros((30, 30, 30), bool)
    shape[4:8, 4:26, 4:8] = shape[4:26, 22:26, 4:8] = shape[22:26, 22:26, 4:26] = True
    pair = MaskPair(shape, shape, (1, 1, 1))
    line = np.zeros_like(pair.truth)
    line.ravel()[pair.skeletons[1]] = True
    assert MaskPair(line, line, (1, 1, 1)).betti[0] == (1, 0, 0)
