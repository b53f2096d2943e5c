from collections.abc import Callable

import numpy as np
import pytest
from datasets import volume

from vbench.data.predict import predict_volume
from vbench.types import Array, Setup


class Stub:
    """As much of a segmenter as predicting a volume needs."""

    def __init__(self, predict: Callable[[Array, Array], Array], size: tuple[int, ...]) -> None:
        self.predict, self.setup = predict, Setup(size)


def threshold(image: Array, mask: Array) -> Array:
    return np.where(mask & (image > 0.9), 1, 0).astype(np.float32)


@pytest.mark.parametrize("normalise", ["percentile", "zscore"])
def test_a_volume_is_predicted_as_it_is(normalise: str) -> None:
    made = volume(0, normalise=normalise)
    np.testing.assert_array_equal(
        predict_volume(Stub(threshold, (4, 4, 4)), made), threshold(made.image, made.mask)
    )


@pytest.mark.parametrize("size", [(8, 8, 8), (8, 6), (32, 32, 32)])
def test_patch_minmax_shows_the_segmenter_windows_scaled_like_patches(
    size: tuple[int, ...],
) -> None:
    made = volume(0, normalise="patch-minmax")
    seen = []

    def predict(image: Array, mask: Array) -> Array:
        seen.append((image.min(), image.max(), image.shape, mask.any()))
        return np.where(mask, 0.25, 0).astype(np.float32)

    probabilities = predict_volume(Stub(predict, size), made)
    block = size if len(size) == 3 else (*size, 1)
    assert {s[2] for s in seen} == {block}
    for low, high, _, some in seen:
        assert (low, high) == pytest.approx((-1, 1), abs=1e-5)
        assert some
    np.testing.assert_allclose(probabilities, np.where(made.mask, 0.25, 0), atol=1e-6)
    assert probabilities.dtype == np.float32


def test_patch_minmax_finds_what_is_bright_for_its_surroundings() -> None:
    image = np.full((24, 8, 8), -0.8, dtype=np.float16)
    image[12:] = 0.5
    image[4, 4, 4], image[20, 4, 4] = -0.6, 0.7
    made = volume(
        0, image.shape, image=image, mask=np.ones(image.shape, bool), normalise="patch-minmax"
    )
    found = predict_volume(Stub(threshold, (8, 8, 8)), made) > 0.5
    assert found[4, 4, 4]
    assert found[20, 4, 4]
    assert not threshold(image, made.mask).any()
