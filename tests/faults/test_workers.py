"""A fault at a stage fails its arms only, and the next run ends as an undisturbed one."""

from __future__ import annotations

import pytest
from faulting.ground import Case, Ground
from faulting.workers import CASES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_job_that_breaks(ground: Ground, case: Case) -> None:
    assert case.act(ground)
