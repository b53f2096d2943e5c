"""A built-in method that is interrupted after any step ends as an undisturbed one, to the digit."""

from __future__ import annotations

import pytest
from repeating import Skip, methods, verdict


@pytest.mark.parametrize("name", sorted(methods()))
def test_it_resumes_to_the_digit(name: str) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = verdict(methods()[name])
    except Skip as skip:
        pytest.skip(str(skip))
    finally:
        torch.set_num_threads(before)
    assert found in ("equal", "one step", "starts over")
