"""Calibrate the radius of vessels: tubes of known radius, what is read of them, as a table.

Each row holds means over tubes that lie anywhere within a voxel; lengths are in shortest voxel
edges. ``largest`` is the largest error of any voxel of any tube, ends included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vbench import MaskPair

SPACINGS = ((1.0, 1.0, 1.0), (0.47, 0.47, 0.8), (1.0, 1.0, 3.0))
RADII = (0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
DIAGONALS = ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))
TUBES = 12


def tube(
    radius: float, direction: npt.ArrayLike, spacing: tuple[float, ...], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draw a straight tube: voxels whose centres are within the radius of its axis."""
    edges = np.asarray(spacing)
    heading = np.asarray(direction, float) / np.linalg.norm(direction)
    length = max(24 * edges.min(), 10 * radius)
    count = np.ceil((np.abs(heading) * length + 2 * radius) / edges).astype(int) + 3
    middle = (count - 1) * edges / 2 + rng.uniform(-0.5, 0.5, 3) * edges
    grid = np.stack(np.meshgrid(*map(np.arange, count), indexing="ij"), -1) * edges - middle
    along = grid @ heading
    away = np.linalg.norm(grid - along[..., None] * heading, axis=-1)
    found: npt.NDArray[np.bool_] = (away <= radius) & (np.abs(along) <= length / 2)
    return found


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print("| spacing | true | along axes | diagonal | random | largest error |")
    print("|---|---|---|---|---|---|")
    for spacing in SPACINGS:
        for radius in RADII:
            cells, largest = [], 0.0
            for directions in (AXES, DIAGONALS, rng.normal(size=(TUBES, 3))):
                read: list[Any] = []
                for number in range(TUBES):
                    heading = directions[number % len(directions)]
                    mask = tube(radius * min(spacing), heading, spacing, rng)
                    found = MaskPair(mask, mask, spacing).truth_radius / min(spacing)
                    if len(found):
                        read.append(np.median(found))
                        largest = max(largest, float(np.abs(found - radius).max()))
                cells.append(f"{np.mean(read):.2f}")
            name = " × ".join(f"{edge:g}" for edge in spacing)
            print(f"| {name} | {radius:g} | {' | '.join(cells)} | {largest:.2f} |")


if __name__ == "__main__":
    main()
