"""A run that is killed goes on; `make faults` kills it at each stage, and a Dask scheduler, too.

The death of a Dask worker is in ``tests/engine/test_executors.py``.
"""

from __future__ import annotations

import pytest
from faulting.ground import Case, Ground
from faulting.kills import CASES

SOME = [case for case in CASES if case.fault == "killed run" and case.stage != "prepare"][::2]


@pytest.mark.parametrize("case", SOME, ids=str)
def test_a_run_that_is_killed(ground: Ground, case: Case) -> None:
    assert case.act(ground)
