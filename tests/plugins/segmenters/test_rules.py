"""The segmenters without training: local threshold with hysteresis, and vesselness."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold, sato
from vbench_plugins.segmenters.local_threshold import LocalThreshold
from vbench_plugins.segmenters.threshold import Threshold
from vbench_plugins.segmenters.vesselness import Vesselness

from vbench.testing import SegmenterSuite
from vbench.types import Setup

BLOCK = (16, 16, 16)
RULES = (Threshold, LocalThreshold, Vesselness)


class TestLocalThreshold(SegmenterSuite):
    plugin = LocalThreshold


class TestVesselness(SegmenterSuite):
    plugin = Vesselness


def build(cls, size=BLOCK, spacing=None, **params):
    return cls(cls.Params(**params), Setup(size, spacing=spacing))


def noise(shape, seed=0):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1)
    return np.clip(field / np.abs(field).max(), -1, 1).astype(np.float32)


def tube(radius, spacing=(1.0, 1.0, 1.0), extent=24.0, axis=0):
    """Return a bright tube of a radius in mm through the middle of a cube of 24 mm."""
    shape = [round(extent / s) for s in spacing]
    places = [(np.arange(n) + 0.5) * s - extent / 2 for n, s in zip(shape, spacing, strict=True)]
    grid = np.meshgrid(*places, indexing="ij")
    distance = np.sqrt(sum(g**2 for a, g in enumerate(grid) if a != axis))
    return np.clip(radius - distance + 0.5, 0, 1).astype(np.float32) - 0.8, distance


@pytest.mark.parametrize("shape", [(20, 18, 16), (30, 20, 1), (1, 20, 30)])
@pytest.mark.parametrize("gap", [0.1, 0.3])
def test_one_threshold_on_the_map_is_hysteresis_with_two(shape, gap):
    image, mask = noise(shape), np.ones(shape, bool)
    found = build(LocalThreshold, window=7, gap=gap).predict(image, mask)
    edges = (7, 7, 7)
    ones = ndimage.uniform_filter(mask.astype(np.float32), edges, mode="constant")
    value = image - ndimage.uniform_filter(image, edges, mode="constant") / ones
    spread = np.ones((3, 3, 3))
    for t in (0.1, 0.2, 0.3):
        low = 2 * t**2
        labelled, _ = ndimage.label(value >= low, spread)
        kept = np.unique(labelled[value >= low + gap])
        want = np.isin(labelled, kept[kept > 0])
        near = (np.abs(value - low) < 1e-4) | (np.abs(value - low - gap) < 1e-4)
        assert want.any() or gap > 0.2
        assert np.array_equal((found >= t)[~near], want[~near])


def test_hysteresis_is_that_of_scikit_image_in_a_slice_with_faces_and_corners():
    image, mask = noise((40, 40, 1), 3), np.ones((40, 40, 1), bool)
    found = build(LocalThreshold, window=39, gap=0.2).predict(image, mask)
    apart = build(LocalThreshold, window=39, gap=0.0).predict(image, mask)
    both = apply_hysteresis_threshold(2 * apart**2, 0.1, 0.3)  # it connects by faces alone
    assert not (both & (found < np.sqrt(0.05))).any()


@pytest.mark.parametrize("cls", RULES)
def test_what_is_outside_of_the_mask_changes_nothing(cls):
    image, mask = noise((18, 20, 22)), np.zeros((18, 20, 22), bool)
    mask[3:15, 4:16, 5:20] = True
    first = build(cls).predict(np.where(mask, image, -1), mask)
    second = build(cls).predict(np.where(mask, image, 1), mask)
    assert np.array_equal(first, second)
    assert first.any()


@pytest.mark.parametrize("cls", [LocalThreshold, Vesselness])
def test_the_border_of_the_mask_is_no_vessel(cls):
    mask = np.zeros((24, 24, 24), bool)
    mask[4:20, 4:20, 4:20] = True
    found = build(cls).predict(np.where(mask, 0.3, -1).astype(np.float32), mask)
    assert found.max() < 0.01


@pytest.mark.parametrize("cls", RULES)
@pytest.mark.parametrize("size", [BLOCK, (16, 16)])
def test_order_in_memory_and_precision_change_nothing(cls, size):
    image, mask = noise((18, 20, 6)).astype(np.float16), np.ones((18, 20, 6), bool)
    want = build(cls, size).predict(image, mask)
    found = build(cls, size).predict(np.asfortranarray(image), np.asfortranarray(mask))
    assert np.array_equal(found, want)
    assert found.dtype == np.float32


@pytest.mark.parametrize("cls", [LocalThreshold, Vesselness])
def test_with_2d_patches_each_slice_is_alone(cls):
    image, mask = noise((18, 20, 6)), np.ones((18, 20, 6), bool)
    volume = build(cls, (16, 16)).predict(image, mask)
    for z in range(6):
        alone = build(cls, (16, 16)).predict(image[..., z : z + 1], mask[..., z : z + 1])
        assert np.allclose(volume[..., z], alone[..., 0], atol=1e-6)


@pytest.mark.parametrize("cls", [LocalThreshold, Vesselness])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_is_the_same_wherever_its_thin_axis_is(cls, axis):
    image = noise((24, 26))
    want = build(cls, (16, 16)).predict(image[..., None], np.ones((24, 26, 1), bool))[..., 0]
    lying = np.expand_dims(image, axis)
    found = build(cls).predict(lying, np.ones(lying.shape, bool))
    assert np.allclose(np.squeeze(found, axis), want, atol=1e-6)
    assert want.any()


def test_the_window_is_shorter_along_thick_axes():
    assert build(LocalThreshold).edges() == (11, 11, 11)
    assert build(LocalThreshold, spacing=(0.5, 0.5, 2.0)).edges() == (11, 11, 3)
    assert build(LocalThreshold, spacing=(4.0, 0.5, 1.0)).edges() == (1, 11, 5)
    assert build(LocalThreshold, (16, 16)).edges() == (11, 11, 1)
    assert build(LocalThreshold, (16, 16), spacing=(1.0, 1.0, 0.1)).edges() == (11, 11, 1)


def test_vesselness_is_the_line_filter_of_scikit_image():
    image = noise((40, 40, 40))
    found = build(Vesselness, scales=(3.0,), gamma=1.0).predict(image, np.ones(image.shape, bool))
    want = sato(image, sigmas=[3.0], black_ridges=False)
    inner = np.zeros(image.shape, bool)
    inner[12:-12, 12:-12, 12:-12] = True
    # Saddles, which scikit-image gives a weak response, are none here.
    there = inner & (found > 0)
    assert np.corrcoef(found[there] ** 2, want[there])[0, 1] > 0.99
    assert np.isclose((found[there] ** 2).mean(), want[there].mean(), rtol=0.05)
    assert want[inner & (found == 0)].max() < 0.5 * want[inner].max()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_vesselness_does_not_change_with_the_shape_of_voxels(axis):
    peaks = []
    for spacing in ((0.5, 0.5, 0.5), (0.5, 0.5, 1.0), (1.0, 0.5, 0.5)):
        image, distance = tube(2.0, spacing, axis=axis)
        rule = build(Vesselness, spacing=spacing, scales=(4.0,))
        found = rule.predict(image, np.ones(image.shape, bool))
        peaks.append(found[distance < 0.75].mean())
    assert max(peaks) / min(peaks) < 1.1, peaks


def test_vesselness_prefers_tubes_to_plates_and_dark_ones_are_none():
    image, distance = tube(1.5)
    inside = np.ones(image.shape, bool)
    plate = np.full_like(image, -0.8)
    plate[:, :, 11:13] = 0.2
    rule = build(Vesselness)
    assert rule.predict(image, inside)[distance < 1].min() > 0.2
    assert rule.predict(plate, inside).max() < 0.05
    assert rule.predict(-image, inside)[distance < 1].max() < 0.05


def test_a_scale_that_is_no_length_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        Vesselness.check(Vesselness.Params(scales=(0.0,)), Setup(BLOCK))
