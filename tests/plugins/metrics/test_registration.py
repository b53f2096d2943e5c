"""Patches are laid over each other at every shift, and compared where they overlap alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from vbench_plugins.metrics.registration import overlap_correlation

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("cells", [(8, 6), (4, 5, 6), (1, 4), (2, 2)], ids=str)
def test_it_is_the_best_of_all_overlaps(cells):
    first, second = (RNG.normal(size=(3, *cells)).astype(np.float32) for _ in range(2))
    farthest = [int(n * 3 / 8) for n in cells]
    expected = np.full(3, -np.inf)
    for shift in itertools.product(*(range(-most, most + 1) for most in farthest)):
        one = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, cells, strict=True))
        two = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, cells, strict=True))
        for i in range(3):
            a, b = first[i][one].ravel(), second[i][two].ravel()
            z = np.arctanh(np.clip(np.corrcoef(a, b)[0, 1], -0.999, 0.999))
            expected[i] = max(expected[i], z * np.sqrt(a.size / np.prod(cells)))
    np.testing.assert_allclose(overlap_correlation(first, second), expected, atol=1e-3)


def test_a_shifted_patch_is_found_in_its_overlap():
    whole = RNG.normal(size=(2, 12, 12)).astype(np.float32)
    there, away = whole[:, :8, :8], whole[:, 3:11, 2:10]
    share = np.sqrt(5 * 6 / 64)
    np.testing.assert_allclose(overlap_correlation(there, away), np.arctanh(0.999) * share, 1e-2)


def test_flat_patches_resemble_nothing():
    assert not overlap_correlation(np.zeros((1, 6, 6), np.float32), np.ones((1, 6, 6), np.float32))
