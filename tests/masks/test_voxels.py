"""Sparse geometry of a mask against the dense one of scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from searching import examples
from skimage.measure import euler_number

from vbench.masks import voxels

shapes = st.lists(st.integers(1, 8), min_size=2, max_size=3).map(tuple)
masks = shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))
seeds = st.integers(0, 2**32 - 1)


def with_margin(mask: np.ndarray) -> np.ndarray:
    return np.pad(mask, 1)


def hollow(seed: int) -> np.ndarray:
    """Make a random mask with tunnels and cavities."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=rng.integers(4, 12, 3)), 0.8)
    return field > np.quantile(field, rng.uniform(0.1, 0.9))


@given(masks)
def test_border_is_the_mask_minus_its_erosion(mask):
    framed = with_margin(mask)
    expected = framed & ~ndimage.binary_erosion(framed)
    index = np.flatnonzero(framed)
    assert voxels.border(framed, index).tolist() == np.flatnonzero(expected).tolist()


@given(masks)
@settings(max_examples=examples(200))
def test_components_and_betti_numbers_of_any_mask(mask):
    check_betti(mask)


@given(seeds)
@settings(max_examples=examples(60))
def test_betti_numbers_of_masks_with_tunnels_and_cavities(seed):
    check_betti(hollow(seed))


def check_betti(mask: np.ndarray) -> None:
    framed = with_margin(mask)
    index = np.flatnonzero(framed)
    count = ndimage.label(framed, np.ones((3,) * mask.ndim))[1]
    enclosed = ndimage.label(~framed)[1] - 1
    loops = enclosed if mask.ndim == 2 else count + enclosed - euler_number(framed, 3)
    expected = (count, loops, enclosed if mask.ndim == 3 else 0)
    for dense in (0, 2):  # always by scipy; always by the voxels alone
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(voxels, "DENSE", dense)
            labels = voxels.components(framed, index)
            assert voxels.betti(framed, index, labels) == expected


def test_betti_numbers_of_a_torus_a_hollow_ball_and_both():
    grid = np.indices((21, 21, 21)) - 10
    ring = (np.hypot(np.hypot(grid[0], grid[1]) - 8, grid[2])) <= 1.5
    radius = np.sqrt((grid**2).sum(0))
    ball = (radius <= 4) & (radius >= 2)
    for mask, expected in ((ring, (1, 1, 0)), (ball, (1, 0, 1)), (ring | ball, (2, 1, 1))):
        framed = with_margin(mask)
        index = np.flatnonzero(framed)
        assert voxels.betti(framed, index, voxels.components(framed, index)) == expected
