"""What a datasheet says of its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vbench.share.words import limits

GUARANTEE = {"epsilon": 4.98, "delta": 1e-3, "unit": "patient", "accountant": "PLD"}


@pytest.mark.parametrize(
    ("guarantee", "says"),
    [
        (None, "No score here is a formal guarantee"),
        (GUARANTEE, "epsilon 4.98 and delta 0.001 for each patient (PLD)"),
    ],
)
def test_a_guarantee_is_said_and_its_absence_too(
    guarantee: Mapping[str, Any] | None, says: str
) -> None:
    found = limits(
        scores=(),
        patches=41_000,
        guarantee=guarantee,
        subjects=12,
        heldout=8,
        removed=0,
        learns="patches",
        real=True,
    )
    assert any(says in line for line in found)
    assert any("all 41000 patches" in line for line in found)
