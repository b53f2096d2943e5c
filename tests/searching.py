"""How long Hypothesis searches: a quarter of what a test names, all of it with ``make deep``.

Each run draws other examples, so that many short searches find what one long one does.
"""

from __future__ import annotations

import os

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"


def examples(most: int) -> int:
    """Return how many examples a test tries that names ``most`` of them."""
    return most if DEEP else max(10, most // 4)
