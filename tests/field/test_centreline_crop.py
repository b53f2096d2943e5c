"""kimimaro issue 75: the skeleton changes with the crop of the volume."""

from __future__ import annotations

import numpy as np

from vbench import MaskPair


def test_crop():
    mask = np.zeros((20, 22, 40), bool)
    mask[6:10, 7:12, 5:35] = mask[7:9, 7:20, 18:22] = True
    reference = MaskPair(mask, mask, (1, 1, 2))
    wide = np.asfortranarray(np.pad(mask, ((9, 0), (3, 30), (1, 5))))
    other = MaskPair(wide, wide, (1, 1, 2))
    assert other.skeletons[0].tolist() == reference.skeletons[0].tolist()
    assert other.truth_radius.tolist() == reference.truth_radius.tolist()
