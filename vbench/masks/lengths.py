"""Comparing lengths: voxel edges come from headers that keep them as float32.

A header holds 0.2 mm as 0.200000003: a distance of five voxels is then 1.000000015 mm. Rotated
affines and other units add a few such roundings, about 1e-7 of the length together. Two lengths
that differ by less than :data:`TOLERANCE`, relative to themselves, count as equal wherever they
are compared. That is a hundred times the rounding of a header, and far less than distances between
voxels differ by: within a limit of n voxels, by 1 / (2 n²) at least.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Lengths that differ by less than this share count as equal.
TOLERANCE = 1e-5


def within(length: Any, limit: Any) -> Any:
    """Return whether lengths are at most a limit."""
    return length <= limit * (1 + TOLERANCE)


def below(length: Any, limit: Any) -> Any:
    """Return whether lengths are less than a limit, by more than rounding."""
    return length < limit * (1 - TOLERANCE)


def exact(length: float) -> float:
    """Return the decimal that was rounded to float32: 0.2 for 0.200000003; others as they are.

    Scores of arrays and of files then agree to the last digit, also where two vessels are equally
    near. Only decimals of up to six digits are recognised; any other length, such as 1.12109375,
    stays as it is.
    """
    length = float(length)
    with np.errstate(over="ignore"):
        single = np.float32(length)
    if float(single) != length:
        return length
    decimal = str(single)
    digits = decimal.partition("e")[0].replace(".", "").strip("-0")
    return float(decimal) if len(digits) <= 6 else length
