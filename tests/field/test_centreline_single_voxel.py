"""skan issue 90: a volume with a single foreground voxel ends in a ValueError."""

from __future__ import annotations

import numpy as np

from vbench import score


def test_single_voxel():
    mask = np.zeros((4, 16, 8), bool)
    mask[2, 7, 3] = True
    names = ["cldice", "recall-below-1mm"]
    found = score(mask, mask, (1, 1, 1), names)
    assert [found[name] for name in names] == [1, 1]
