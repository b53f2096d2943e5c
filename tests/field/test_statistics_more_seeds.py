"""riskRegression issue 59: a hundred repetitions on the same patients, and the error stays.

So it must: repetitions average the luck of training away, not the choice of patients.
"""

import numpy as np

from vbench.analysis.uncertainty import mean_interval


def test_many_seeds_do_not_stand_in_for_subjects():
    subjects = np.array([0.70, 0.75, 0.80, 0.85, 0.90])
    noise = np.random.default_rng(0).normal(0, 0.01, (100, 5))
    one, many = (mean_interval(subjects + noise[:seeds]) for seeds in (1, 100))
    width = 2 * 2.776 * subjects.std(ddof=1) / np.sqrt(5)
    assert many[1] - many[0] >= 0.95 * width
    assert abs((one[1] - one[0]) / width - 1) < 0.25
