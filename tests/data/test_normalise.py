import numpy as np
import pytest
from datasets import scene

from vbench.data.normalise import METHODS, normalise, scale_patches
from vbench.errors import DataError


@pytest.mark.parametrize("method", METHODS)
def test_intensities_end_in_range_and_the_outside_at_its_lower_end(method: str) -> None:
    image, _, mask = scene()
    scaled, how = normalise(image, mask, method)
    assert scaled.dtype == np.float16
    assert scaled.min() >= -1
    assert scaled.max() <= 1
    assert (scaled[~mask] == -1).all()
    assert how["method"] == method
    assert how["low"] < how["high"]


def test_percentiles_are_those_within_the_mask() -> None:
    image = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
    mask = image >= 500
    _, how = normalise(image, mask)
    assert (how["low"], how["high"]) == pytest.approx(
        tuple(np.percentile(image[mask], [0.5, 99.9]))
    )


def test_zscore_keeps_eight_deviations() -> None:
    image = np.random.default_rng(0).normal(50, 5, (20, 20, 20)).astype(np.float32)
    scaled, _ = normalise(image, np.ones(image.shape, bool), "zscore")
    assert float(scaled.mean(dtype=float)) == pytest.approx(0, abs=1e-3)
    assert float(scaled.std(dtype=float)) == pytest.approx(1 / 8, rel=1e-2)


def test_patch_minmax_keeps_all_contrast_in_the_volume() -> None:
    image = np.array([[[0.0, 5.0, 10.0]]], dtype=np.float32)
    scaled, _ = normalise(image, np.ones(image.shape, bool), "patch-minmax")
    assert scaled.ravel().tolist() == [-1, 0, 1]


def test_an_outlier_does_not_take_the_range() -> None:
    image, vessel, mask = scene(shape=(40, 40, 20))
    image[20, 20, 10] = 1e6
    scaled, _ = normalise(image, mask)
    assert scaled[vessel].mean() - scaled[mask & ~vessel].mean() > 0.5


def test_unknown_methods_and_constant_images_are_refused() -> None:
    image, _, mask = scene()
    with pytest.raises(DataError, match="did you mean 'percentile'"):
        normalise(image, mask, "percentiles")
    with pytest.raises(DataError, match=r"constant within the mask \(7\)"):
        normalise(np.full(image.shape, 7.0), mask)


def test_patches_are_scaled_each_by_itself() -> None:
    patches = np.array([[[0.0, 1], [2, 4]], [[3, 3], [3, 3]]], dtype=np.float32)
    scale_patches(patches)
    np.testing.assert_allclose(patches, [[[-1, -0.5], [0, 1]], [[-1, -1], [-1, -1]]])
