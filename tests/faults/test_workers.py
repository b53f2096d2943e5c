"""A fault at a stage fails its arms only, and the next run ends as an undisturbed one.

`make faults` tries each fault at each stage.
"""

from __future__ import annotations

import pytest
from faulting.ground import Case, Ground
from faulting.workers import some


@pytest.mark.parametrize("case", some(), ids=str)
def test_a_job_that_breaks(ground: Ground, case: Case) -> None:
    assert case.act(ground)
