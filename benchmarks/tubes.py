"""A synthetic set made without vbench: bright, bending tubes in noise, as two arrays.

``python benchmarks/tubes.py tubes`` writes ``tubes/images.npy`` and ``tubes/labels.npy``.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

SIZE, COUNT = 16, 1200


def tube(rng: np.random.Generator) -> np.ndarray:
    """One label: a tube along a random walk whose direction hardly changes."""
    grid = np.stack(np.meshgrid(*[np.arange(SIZE)] * 3, indexing="ij"), axis=-1)
    point, step = rng.uniform(0, SIZE, 3), rng.normal(size=3)
    radius, label = rng.uniform(0.8, 2.2), np.zeros((SIZE,) * 3, bool)
    for _ in range(3 * SIZE):
        label |= ((grid - point) ** 2).sum(axis=-1) <= radius**2
        step += rng.normal(size=3) * 0.3
        point = point + step / np.linalg.norm(step)
    return label


def main(folder: Path) -> None:
    """Write the set; one label in ten has no vessel, as real patches have."""
    rng = np.random.default_rng(0)
    labels = np.stack([tube(rng) & (rng.random() > 0.1) for _ in range(COUNT)])
    tissue = gaussian_filter(rng.normal(size=labels.shape), (0, 1, 1, 1)) * 60 + 150
    blood = gaussian_filter(labels.astype(float), (0, 0.6, 0.6, 0.6)) * 450
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", (tissue + blood).astype(np.float32))
    np.save(folder / "labels.npy", labels.astype(np.uint8))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
