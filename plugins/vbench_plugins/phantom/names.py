"""What the phantom's vessels are called, and the values that a label map gives them.

The circle of Willis has TopCoW's names and values (Yang et al. 2023, arXiv:2312.17670); arteries
beside it are called as TopBrain 2025 calls them. A trunk's name goes on along all that grows from
its end: ``R-MCA`` is M1 and every branch behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from vbench.types import Array

#: What a label tells apart, beside arteries as such.
Apart: TypeAlias = Literal["circle", "veins", "aneurysm"]
APART: tuple[Apart, ...] = get_args(Apart)

#: TopCoW's classes; 13 and 14 are not used there, either.
CIRCLE: Mapping[str, int] = {
    "BA": 1,
    "R-PCA": 2, "L-PCA": 3,
    "R-ICA": 4, "R-MCA": 5, "L-ICA": 6, "L-MCA": 7,
    "R-Pcom": 8, "L-Pcom": 9, "Acom": 10,
    "R-ACA": 11, "L-ACA": 12, "3rd-A2": 15,
}  # fmt: skip
#: Arteries beside the circle, where that is told apart: cerebellar, ophthalmic, choroidal.
OTHER = "other"
#: All arteries, where it is not.
ARTERY = "artery"
VEIN, ANEURYSM = "vein", "aneurysm"


def sided(called: str, side: int) -> str:
    """Return a vessel's name; BA and Acom, which lie in the middle, have no side.

    Args:
        called: Such as ``PCA``.
        side: 1 right, -1 left.
    """
    if called in CIRCLE:
        return called
    return f"{'R' if side > 0 else 'L'}-{called}"


def classes(apart: Sequence[Apart]) -> dict[str, int]:
    """Return the classes of a label map, name to value, in ascending order of values.

    Args:
        apart: What it tells apart; nothing: one class, ``vessel``. The order does not count.
    """
    if not apart:
        return {"vessel": 1}
    found = {**CIRCLE, OTHER: 16} if "circle" in apart else {ARTERY: 1}
    for kind, name in (("veins", VEIN), ("aneurysm", ANEURYSM)):
        if kind in apart:
            found[name] = max(found.values()) + 1
    return found


def values(vessel: Array, apart: Sequence[Apart], sac: Array) -> Array:
    """Return the value of each node of a tree of arteries, uint8 ``(n,)``.

    Args:
        vessel: Names of the nodes' vessels ``(n,)``.
        apart: What a label tells apart.
        sac: Which nodes are an aneurysm's, bool ``(n,)``. Where aneurysms are not told apart, a sac
            belongs to the vessel that it sits on.
    """
    known = classes(apart)
    rest = known.get(OTHER, 1)
    names, place = np.unique(vessel, return_inverse=True)
    found = np.array([known.get(str(name), rest) for name in names], np.uint8)[place]
    if ANEURYSM in known:
        found[sac] = known[ANEURYSM]
    return found
