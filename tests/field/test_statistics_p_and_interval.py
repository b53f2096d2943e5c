"""rstatix issue 127: "How can be p>0.05 if the CI doesn't cover 0? It cannot be."

Its data: twelve patients, the score before and after. Whatever p is, interval and ratio agree.
"""

import numpy as np
import pytest

from vbench.analysis.compare import versus
from vbench.analysis.scores import ArmScores, MetricInfo

BEFORE = [0, 8, 0, 0, 0, 1, 3, 1, 1, 1, 3, 7]
AFTER = [9, 6, 0, 0, 0, 2, 3, 2, 1, 3, 3, 7]


@pytest.mark.parametrize("more", [0, 0.5, 1, 2, 3])
@pytest.mark.parametrize("seeds", [1, 2])
def test_p_interval_and_ratio_say_one_thing(more, seeds):
    before, after = (
        ArmScores(
            np.tile(np.array(values, float), (seeds, 1)) + np.arange(seeds)[:, None] * 0.1,
            np.zeros((seeds, 12), bool), tuple(range(seeds)), tuple("abcdefghijkl"),
        )
        for values in (BEFORE, np.array(AFTER) + more)
    )  # fmt: skip
    found = versus(after, before, MetricInfo("m", "m@1", "", False))
    low, high = found["ci95"]
    assert (found["p_raw"] < 0.05) == (not low <= 0 <= high)
    ratio = found["ratio_ci95"]
    assert ratio is None or (found["p_raw"] < 0.05) == (not ratio[0] <= 1 <= ratio[1])
