"""scikit-image issue 3757: skeletonize_3d of a straight 4 x 4 bar is empty, of a 5 x 4 one not."""

from __future__ import annotations

import numpy as np
import pytest

from vbench import score


def test_bar():
    for wide in (4, 5):
        truth = np.zeros((24, 24, 40), bool)
        truth[10 : 10 + wide, 10:14] = True
        truth[2, 2] = True
        thin = truth & (np.arange(24)[:, None, None] < 5)
        assert score(thin, truth, (1, 1, 1), ["cldice"])["cldice"] == pytest.approx(2 / 3, abs=0.07)
