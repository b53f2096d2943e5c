"""SciPy issue 6398: p = 0.043 for two equal series of five values, and NaN the other way.

Equal arms have p = 1, a difference of 0 and a ratio of 1; five equal shifts are no proof either.
"""

import numpy as np
import pytest

from vbench.analysis.compare import versus
from vbench.analysis.scores import ArmScores, MetricInfo

SERIES = np.array([29.39958, 29.21756, 29.350915, 29.34911, 29.212635])


def arm(values):
    return ArmScores(values[None], np.zeros((1, 5), bool), (0,), tuple("abcde"))


def test_equal_scores_are_no_difference():
    found = versus(arm(SERIES), arm(SERIES), MetricInfo("hd95", "hd95@1", "mm", False))
    assert (found["p_raw"], found["difference"], found["effect"]) == (1.0, 0.0, 0.0)
    assert (found["ci95"], found["ratio_ci95"]) == ([0.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize("shift", [1.0, -1e-3])
def test_the_same_shift_of_five_subjects_has_no_sign(shift):
    found = versus(arm(SERIES + shift), arm(SERIES), MetricInfo("hd95", "hd95@1", "mm", False))
    assert found["p_raw"] == 2 / 32
    assert found["ci95"] is None
