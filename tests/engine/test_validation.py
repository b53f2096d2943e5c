from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vbench.engine.validation import THRESHOLDS, dice_by_threshold


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_dice_by_threshold_equals_counting_at_each_threshold(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.choice([*THRESHOLDS, 0.0, 1.0, 0.333], size=(4, 5, 3)).astype(np.float64)
    label = rng.random((4, 5, 3)) < share
    found = dice_by_threshold(probabilities, label)
    for threshold, value in zip(THRESHOLDS, found, strict=True):
        mask = probabilities >= threshold
        total = mask.sum() + label.sum()
        expected = 2 * (mask & label).sum() / total if total else 1.0
        assert abs(value - expected) < 1e-12
