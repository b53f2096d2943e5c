"""Feature extractors: what the filter bank sees and is blind to, and what the core passes on."""

from __future__ import annotations

import numpy as np
import pytest
from patients import patients

from vbench import Segmenter
from vbench.features import Cached, FilterBank, SegmenterFeatures, embed, extractor
from vbench.types import Progress, Setup


@pytest.fixture(scope="module")
def patches():
    return patients(2, 10, seed=0)


def take(patches) -> np.ndarray:
    return patches.take(np.arange(len(patches)))


@pytest.mark.parametrize("size", [(16, 16), (12, 12, 12), (8, 4), (5, 7, 3), (4, 4, 1)])
def test_filter_bank_takes_any_size(size):
    vectors = FilterBank()(take(patients(1, 6, seed=0, size=size)))
    assert vectors.shape[0] == 6
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("size", [(16, 16), (12, 12, 12)])
def test_filter_bank_is_blind_to_mirrors_and_swapped_axes(size):
    array = take(patients(1, 8, seed=0, size=size))
    turned = np.swapaxes(array[:, :, ::-1], 2, 3)
    np.testing.assert_allclose(FilterBank()(array), FilterBank()(turned), atol=1e-4)


def test_filter_bank_tells_noise_blur_contrast_and_wrong_labels(patches):
    array = take(patches)
    rng = np.random.default_rng(0)
    before = FilterBank()(array)
    spread = before.std(axis=0) + 1e-9
    changes = {
        "noise": array + rng.normal(0, 0.2, array.shape) * np.array([1, 0])[:, None, None],
        "contrast": array * np.array([1.5, 1])[:, None, None],
        "labels elsewhere": np.stack([array[:, 0], np.roll(array[:, 1], 5, -1)], axis=1),
    }
    for name, changed in changes.items():
        moved = np.abs(FilterBank()(changed.astype(np.float32)) - before) / spread
        assert moved.mean(axis=0).max() > 1, name


def test_cached_features_are_computed_once_a_set(patches):
    calls = []

    def features(array):
        calls.append(len(array))
        return array.reshape(len(array), -1)[:, :3]

    cached = Cached(features)
    first = embed(patches, cached)
    assert embed(patches, cached) is first
    assert calls == [len(patches)]


@pytest.mark.parametrize(
    "broken",
    [lambda a: a[:, 0, 0, 0], lambda a: a[:1, 0, 0], lambda a: np.full((len(a), 2), np.nan)],
)
def test_features_of_a_wrong_shape_are_refused(patches, broken):
    with pytest.raises(ValueError, match="expected"):
        embed(patches, broken)


def test_a_segmenter_with_features_is_preferred_and_segments(patches):
    class Plain(Segmenter):
        name = "plain"

        def fit(self, patches, *, seed):
            yield Progress(1, 1, {})

        def predict(self, image, mask):
            return ((image + 1) / 2).astype(np.float32)

        def weights(self):
            return {}

        def load_weights(self, weights):
            pass

    class WithFeatures(Plain):
        def features(self, patches):
            return patches.mean(axis=(2, 3))

    setup = Setup(size=patches.size)
    found = extractor(WithFeatures(Segmenter.Params(), setup), threshold=0.6)
    assert isinstance(found, SegmenterFeatures)
    assert embed(patches, found).shape == (len(patches), 2)
    array = take(patches)
    np.testing.assert_array_equal(Cached(found).segment(array), (array[:, 0] + 1) / 2 >= 0.6)
    assert isinstance(extractor(Plain(Segmenter.Params(), setup)), FilterBank)
    assert isinstance(extractor(), FilterBank)
    assert Cached(FilterBank()).segment is None
