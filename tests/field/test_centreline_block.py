"""scikit-image issue 6513: a block of 128 x 128 x 100 has a skeleton, one of 128 cubed has none."""

from __future__ import annotations

import numpy as np

from vbench import score


def test_block():
    for edge in (6, 7, 8, 16):
        block = np.pad(np.ones((edge,) * 3, bool), 2)
        dot = np.zeros_like(block)
        dot[0, 0, 0] = True
        assert score(dot, block | dot, (1, 1, 1), ["cldice"])["cldice"] < 1
