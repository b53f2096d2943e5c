"""Radii of tubes of known radius, in any direction, place and spacing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import straight
from searching import examples

from vbench import MaskPair

DIRECTIONS = {
    "axis": [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
    "diagonal": [(1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)],
    "random": np.random.default_rng(0).normal(size=(6, 3)),
}


def read(radius, direction, spacing, rng) -> float:
    length = 8 * radius + 8 * max(spacing)
    mask, _ = straight(radius, direction, spacing, rng, length)
    return float(np.median(MaskPair(mask, mask, spacing).truth_radius))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.47, 0.47, 0.8), (1, 1, 2)], ids=str)
@pytest.mark.parametrize("kind", DIRECTIONS)
@pytest.mark.parametrize("radius", [1, 1.5, 2, 3, 4])
def test_mean_reading_is_within_a_sixth_of_a_voxel_or_a_twentieth(radius, kind, spacing):
    rng = np.random.default_rng(1)
    true = radius * max(spacing)
    found = [read(true, d, spacing, rng) for d in DIRECTIONS[kind] for _ in range(4)]
    assert np.mean(found) == pytest.approx(true, abs=max(0.17 * max(spacing), 0.05 * true))


@given(st.integers(0, 2**32 - 1), st.floats(1, 4))
@settings(max_examples=examples(30), deadline=None)
def test_any_direction_and_place_reads_within_half_a_voxel_or_a_fifth(seed, radius):
    rng = np.random.default_rng(seed)
    spacing = tuple(rng.uniform(0.3, 1, 3))
    true = radius * max(spacing)
    found = read(true, rng.normal(size=3), spacing, rng)
    assert found == pytest.approx(true, abs=max(0.5 * max(spacing), 0.2 * true))


@pytest.mark.parametrize("width", range(1, 9))
def test_square_tube_of_any_width_reads_as_the_circle_of_its_area(width):
    mask = np.zeros((14, 14, 60), bool)
    mask[3 : 3 + width, 3 : 3 + width, 5:55] = True
    for order in ("C", "F"):
        truth = np.array(mask, order=order)
        pair = MaskPair(truth, truth, (0.5, 0.5, 0.5))
        middle = pair.truth_radius[len(pair.truth_radius) // 2]
        assert middle == pytest.approx(0.5 * width / np.sqrt(np.pi), abs=0.08)


def test_2d_bands_read_half_their_width():
    for width in range(1, 9):
        mask = np.zeros((60, 14), bool)
        mask[5:55, 3 : 3 + width] = True
        assert np.median(MaskPair(mask, mask, (2, 2)).truth_radius) == pytest.approx(width, abs=0.2)


def test_a_vessel_that_leaves_the_volume_reads_the_same_at_its_cut():
    mask, _ = straight(3, (1, 0.3, 0.1), (1, 1, 1), np.random.default_rng(0), 60)
    cut = mask[20:40]
    found = MaskPair(cut, cut, (1, 1, 1)).truth_radius
    assert [found.min(), found.max()] == pytest.approx([3, 3], abs=0.5)
    half = cut[:, : cut.shape[1] // 2]
    assert np.isfinite(MaskPair(half, half, (1, 1, 1)).truth_radius).all()


def test_twice_the_spacing_is_twice_the_radius_and_float32_changes_little():
    mask, _ = straight(2, (1, 2, 3), (1, 1, 1), np.random.default_rng(0), 30)
    once = MaskPair(mask, mask, (0.4, 0.4, 0.8)).truth_radius
    np.testing.assert_allclose(MaskPair(mask, mask, (0.8, 0.8, 1.6)).truth_radius, 2 * once)
    rounded = MaskPair(mask, mask, tuple(np.float32((0.4, 0.4, 0.8)))).truth_radius
    np.testing.assert_allclose(rounded, once, rtol=0.05)
