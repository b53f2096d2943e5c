"""The nearest pairs are found and laid over each other, mirrored and turned or not."""

from __future__ import annotations

import numpy as np
import pytest
from patients import as_patches, patients

from vbench.share.pairs import _laid_like, nearest_pairs


@pytest.mark.parametrize("size", [(8, 8), (8, 12), (6, 6, 6), (4, 6, 6)], ids=str)
def test_a_mirrored_copy_is_the_nearest_pair_and_lies_like_its_patient(size) -> None:
    training = patients(3, 10, seed=0, size=size)
    array = patients(3, 4, seed=1, size=size).take(np.arange(12))
    real = training.take(np.array([17]))[0]
    array[5] = 0.7 * np.flip(real, axis=(1, -1)) + 0.1
    array[5, 1] = np.flip(real[1], axis=(0, -1))
    found = nearest_pairs(as_patches(array), training, 3)
    assert (found[0].patch, found[0].training_patch) == (5, 17)
    assert found[0].correlation == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(_laid_like(real, array[5])[1], array[5, 1])
