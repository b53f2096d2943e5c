"""VesSAP issue 12: skeletonize_3d may give zero arrays; do the vessel features rest on them?"""

from __future__ import annotations

import numpy as np
from vbench_plugins.metrics import morphology


def test_features():
    label = np.zeros((1, 16, 16, 40), np.uint8)
    label[0, 5:9, 5:9, 4:36] = 1
    label[0, 13, 13, 4:36] = 1
    found = morphology.measure(label)
    assert len(found["length"]) == found["components"][0] == 2
    assert found["radius"].max() > 2 > 0.6 > found["radius"].min()
