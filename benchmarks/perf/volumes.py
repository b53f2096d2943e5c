"""Volumes of the size of research scans, quickly made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SHAPE = (312, 384, 127)


def subjects(n: int, shape: tuple[int, int, int] = SHAPE) -> Iterator[Any]:
    """Make subjects of noise with straight vessels in an ellipsoid: quick, right in size."""
    import numpy as np

    from vbench.types import Subject

    axes = np.meshgrid(
        *[np.linspace(-1.05, 1.05, k, dtype=np.float32) for k in shape], indexing="ij"
    )
    brain = sum(a**2 for a in axes) < 1
    for i in range(n):
        rng = np.random.default_rng(i)
        vessel = np.zeros(shape, dtype=bool)
        middle = [(k // 5, 4 * k // 5) for k in shape[:2]]
        for x, y in zip(*(rng.integers(*ends, 120) for ends in middle), strict=True):
            vessel[x : x + 3, y : y + 3, shape[2] // 12 : -(shape[2] // 8)] = True
        vessel &= brain
        image = rng.normal(100, 15, shape).astype(np.float32) + 120 * vessel
        affine = np.diag([0.5, 0.5, 0.7, 1])
        yield Subject(f"s{i:02d}", image, vessel, (0.5, 0.5, 0.7), affine, brain)
