"""A byte that changed is noticed when it is read, and the job is done again."""

from __future__ import annotations

import pytest
from faulting.damage import CASES
from faulting.ground import Case, Ground


@pytest.mark.parametrize("case", CASES, ids=str)
def test_damage(ground: Ground, case: Case) -> None:
    assert case.act(ground)
