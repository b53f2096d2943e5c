"""The detector sees a patch again after it was moved, and tells patches apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from patients import as_patches, patients
from scipy import ndimage
from vbench_plugins.metrics.detector import Detector, moved, spectrum

SIZES = [(16, 16), (15, 12), (8, 8, 8), (5, 9, 9)]


@pytest.mark.parametrize("size", [(9, 12), (6, 8, 11)], ids=str)
def test_a_turn_is_scipys_turn(size):
    """About the centre, in voxels, in the plane of the first two axes, whatever the extents."""
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=size), 1)
    angle = np.deg2rad(20)
    matrix = np.eye(len(size))
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    shift = np.linspace(0.5, 1.5, len(size))
    centre = (np.array(size) - 1) / 2
    expected = ndimage.affine_transform(
        image, matrix, centre - matrix @ centre + shift, order=1, mode="nearest"
    )
    found = moved(
        image[None].astype(np.float32),
        torch.tensor(matrix[None], dtype=torch.float32),
        torch.tensor(shift[None], dtype=torch.float32),
    )
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_symmetries_and_contrast_change_nothing(size):
    real = patients(3, 8, seed=0, size=size)
    detector = Detector.fit((real,), seed=0)
    images = real.take(np.arange(len(real)))[:, 0]
    points = detector.describe(images)
    changed = 0.4 * np.flip(images, axis=tuple(range(2, images.ndim))) + 0.1
    if size[-1] == size[-2]:
        changed = np.swapaxes(changed, -1, -2)
    views = detector.looks(np.ascontiguousarray(changed)).vectors
    assert np.einsum("nvd,nd->nv", views, points).max(axis=1) == pytest.approx(1, abs=1e-3)


def test_it_repeats_to_the_digit_and_follows_its_seed():
    real = patients(3, 8, seed=0)
    first, again, other = (Detector.fit((real,), seed).weights for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(np.abs(first), np.abs(other), atol=1e-3)


def test_a_shift_by_a_voxel_leaves_a_spectrum_nearly_as_it_was():
    real = patients(3, 8, seed=0, size=(12, 12)).take(np.arange(24))[:, 0]
    there, away = spectrum(real), spectrum(np.roll(real, 1, axis=1))
    alike = there @ away.T
    assert np.diag(alike).mean() > alike.mean() + 0.1


@pytest.mark.parametrize("n", [1, 2])
def test_blank_and_scarce_patches_resemble_nothing(n):
    array = patients(1, n, seed=0).take(np.arange(n))
    array[:, 0] = -1
    blank = as_patches(array)
    detector = Detector.fit((blank, blank), seed=0)
    assert not detector.describe(array[:, 0]).any()
    assert not detector.looks(array[:, 0]).vectors.any()
