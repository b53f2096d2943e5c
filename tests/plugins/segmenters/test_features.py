"""Features of the built-in segmenters: they tell learnt from other patches, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vbench import registry
from vbench.features import extractor
from vbench.testing import ToyPatches
from vbench.types import Array, Setup


def fitted(name: str, size: tuple[int, ...]) -> Any:
    cls = registry.default().get("segmenter", name).cls
    segmenter = cls(cls.Params(**cls.tiny), Setup(size))
    for _ in segmenter.fit(ToyPatches(size), seed=0):
        pass
    return segmenter


def take(size: tuple[int, ...]) -> Array:
    return ToyPatches(size).take(np.arange(12))


@pytest.mark.parametrize("size", [(8, 8, 8), (16, 16)], ids=str)
@pytest.mark.parametrize("name", ["unet3d", "monai:UNet", "monai:DynUNet", "monai:SegResNet"])
def test_each_patch_has_a_vector_of_its_own(name: str, size: tuple[int, ...]) -> None:
    segmenter = fitted(name, size)
    patches = take(size)
    vectors = segmenter.features(patches)
    assert vectors.shape[0] == 12
    assert vectors.shape[1] >= 7  # channels, and three means
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(segmenter.features(patches[3:5]), vectors[3:5], atol=1e-4)
    again = registry.default().get("segmenter", name).cls(segmenter.params, segmenter.setup)
    again.load_weights(segmenter.weights())
    np.testing.assert_allclose(again.features(patches), vectors, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8, 8), (16, 16)], ids=str)
def test_they_see_image_and_label(size: tuple[int, ...]) -> None:
    segmenter = fitted("unet3d", size)
    patches = take(size)
    before = segmenter.features(patches)
    for channel in (0, 1):
        changed = patches.copy()
        changed[:, channel] = -changed[:, channel] if channel == 0 else 1 - changed[:, channel]
        assert np.abs(segmenter.features(changed) - before).max(axis=1).min() > 1e-3


def test_what_it_segments_is_its_prediction_at_the_threshold() -> None:
    for size in ((8, 8, 8), (16, 16)):
        segmenter = fitted("unet3d", size)
        patches = take(size)
        found = extractor(segmenter, 0.4).segment(patches)
        image = patches[2, 0] if len(size) == 3 else patches[2, 0][..., None]
        expected = segmenter.predict(image, np.ones(image.shape, bool)) >= 0.4
        np.testing.assert_array_equal(found[2], expected.reshape(size))
