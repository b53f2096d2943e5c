"""tracel-ai/burn issue 814: the time left is wrong when a training goes on from a checkpoint.

The steps of the earlier attempt cost nothing in this one, and must not count in its speed.
"""

from __future__ import annotations

import pytest

from vbench.engine.costs import Pace


@pytest.mark.parametrize("first", [0, 1, 250, 900])
def test_the_time_left_does_not_depend_on_where_it_went_on(first):
    pace = Pace(first, 1000, now=5.0)
    pace.report(first + 10, 1000, now=65.0)
    assert pace.left(now=65.0) == pytest.approx(6 * (1000 - first - 10))
