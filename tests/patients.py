"""Labelled patches of made-up patients that differ in contrast, texture and vessel width."""

from __future__ import annotations

import numpy as np
from masks import tubes
from scipy.ndimage import gaussian_filter

from vbench.data.patches import ArrayPatches


def patients(
    subjects: int, per_subject: int, seed: int, size: tuple[int, ...] = (16, 16)
) -> ArrayPatches:
    """Draw patches; another seed gives other patients of the same population."""
    rng = np.random.default_rng(seed)
    images, labels, owner = [], [], []
    for subject in range(subjects):
        gain, base = rng.uniform(0.7, 1.2), rng.uniform(-0.6, -0.4)
        texture, radius = rng.uniform(0.7, 1.2), rng.uniform(0.8, 1.6)
        for _ in range(per_subject):
            label = tubes(size, rng, int(rng.integers(1, 3)), radius)
            ground = gaussian_filter(rng.normal(size=size), texture)
            image = base + 0.12 * ground / ground.std() + 0.03 * rng.normal(size=size)
            image = image + 0.8 * gain * gaussian_filter(label.astype(float), 0.6)
            images.append(np.clip(image, -1, 1))
            labels.append(label)
            owner.append(subject)
    return ArrayPatches(
        np.array(images, np.float16),
        np.array(labels, np.uint8),
        subject_index=np.array(owner, np.int32),
    )


def as_patches(array: np.ndarray) -> ArrayPatches:
    """Return an array ``(n, 2, *size)`` as synthetic patches."""
    return ArrayPatches(array[:, 0], array[:, 1].astype(np.uint8))
