"""vbench.thinning gives, voxel for voxel, what scikit-image gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from masks import tubes
from scipy.ndimage import gaussian_filter
from skimage.morphology import skeletonize

from vbench import thinning, voxels

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7))


def check(mask: np.ndarray) -> None:
    framed = voxels.crop(mask, tuple(slice(0, n) for n in mask.shape))
    expected = np.flatnonzero(skeletonize(framed))
    assert thinning.thin(framed, np.flatnonzero(framed)).tolist() == expected.tolist()


@given(shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape)))
@settings(max_examples=150)
def test_any_mask(mask):
    check(mask)


@given(seeds)
@settings(max_examples=60)
def test_tubes_with_noise(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(5, 20, size=3))
    check(tubes(shape, rng, 3, rng.uniform(0.8, 3)) ^ (rng.random(shape) < 0.02))


@given(seeds)
@settings(max_examples=60)
def test_thick_shapes_with_tunnels_and_cavities(seed):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=rng.integers(4, 18, 3)), 1.2)
    check(field > np.quantile(field, rng.uniform(0.1, 0.9)))


@pytest.mark.parametrize("shape", [(9, 9, 9), (3, 20, 4), (1, 12, 12), (30, 2, 2)])
def test_blocks(shape):
    check(np.ones(shape, bool))


@pytest.mark.parametrize("share", [0.0, 2.0], ids=["scikit-image", "own"])
def test_skeleton_takes_either_road(share, monkeypatch):
    monkeypatch.setattr(thinning, "DENSE", share)
    mask = np.pad(tubes((14, 12, 10), np.random.default_rng(0)), 1)
    found = thinning.skeleton(mask, np.flatnonzero(mask))
    assert found.tolist() == np.flatnonzero(skeletonize(mask)).tolist()


def test_skeleton_in_2d_is_that_of_scikit_image():
    mask = np.pad(tubes((30, 30), np.random.default_rng(0)), 1)
    found = thinning.skeleton(mask, np.flatnonzero(mask))
    assert found.tolist() == np.flatnonzero(skeletonize(mask)).tolist()


def test_a_mask_that_thinning_wipes_out_is_its_own_centreline():
    rng = np.random.default_rng(0)
    wiped = 0
    for _ in range(400):
        mask = np.pad(rng.random((3, 3, 3)) < 0.7, 1)
        index = np.flatnonzero(mask)
        found = thinning.skeleton(mask, index)
        assert len(found)
        if not skeletonize(mask).any():
            wiped += 1
            assert found.tolist() == index.tolist()
    assert wiped
