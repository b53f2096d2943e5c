"""scikit-image issue 5058: how does the Frangi filter handle anisotropic voxels? It does not.

A tube of one radius in mm looks the same to ``vesselness`` whichever axis has the long voxels.
"""

from __future__ import annotations

import numpy as np
import pytest
from vbench_plugins.segmenters.vesselness import Vesselness

from vbench import Setup


@pytest.mark.parametrize("long", [0, 1, 2])
def test_a_tube_of_one_radius_scores_alike_on_long_voxels(long):
    peaks = []
    for edge in (0.5, 1.0):
        spacing = [edge if axis == long else 0.5 for axis in range(3)]
        places = [np.arange(s / 2 - 10, 10, s) for s in spacing]
        x, y, z = np.meshgrid(*places, indexing="ij")
        distance = np.hypot(x, z) if long == 1 else np.hypot(x if long == 2 else z, y)
        image = (np.clip(2.5 - distance, 0, 1) - 0.8).astype(np.float32)
        rule = Vesselness(Vesselness.Params(scales=(4.0,)), Setup((16,) * 3, spacing=spacing))
        peaks.append(rule.predict(image, np.ones(image.shape, bool))[distance < 0.75].mean())
    assert np.isclose(*peaks, rtol=0.1), peaks
