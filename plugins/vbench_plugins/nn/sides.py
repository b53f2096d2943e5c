"""Classes that are told apart by their side: in a mirror image of a patch they are wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vbench.types import Setup

_OTHER = {"l": "r", "r": "l", "left": "right", "right": "left"}


def sided(labels: Sequence[str]) -> tuple[str, str] | None:
    """Return two classes that differ by left and right alone, such as R-PCA and L-PCA, or None."""
    words = {tuple(re.split(r"[\s_.-]+", name.lower())): name for name in labels}
    for name, label in words.items():
        twin = tuple(_OTHER.get(word, word) for word in name)
        if twin != name and twin in words:
            return label, words[twin]
    return None


def refuse_mirrors(setup: Setup, mirrors: bool, given: str, wanted: str) -> None:
    """Refuse to mirror patches from left to right where classes have sides.

    Args:
        setup: With the classes.
        mirrors: Whether these parameters mirror patches.
        given: The parameter that does, such as ``augment = true``.
        wanted: What to set instead.

    Raises:
        ValueError: When they do, and two classes differ by their side.
    """
    pair = sided(setup.labels) if mirrors else None
    if pair is not None:
        raise ValueError(
            f"{given} mirrors patches, and {pair[0]} and {pair[1]} differ by their side; "
            f"set {wanted}"
        )
