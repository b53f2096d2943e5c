"""Disks, locks, clocks and formats; `make faults` fills the disk at each stage."""

from __future__ import annotations

import pytest
from faulting.ground import Case, Ground
from faulting.places import CASES

SOME = [case for case in CASES if case.fault != "disk full" or case.stage == "synthesise"]


@pytest.mark.parametrize("case", SOME, ids=str)
def test_a_place_that_fails(ground: Ground, case: Case) -> None:
    assert case.act(ground)
