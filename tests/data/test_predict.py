from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from datasets import volume

from vbench.data.patches import VolumePatches
from vbench.data.predict import predict_volume
from vbench.data.windows import blend, watched
from vbench.errors import ContractError
from vbench.layout import image_of
from vbench.types import Array, Setup


class Stub:
    """As much of a segmenter as predicting a volume needs."""

    name = "stub"

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


@pytest.mark.parametrize("normalise", ["percentile", "patch-minmax"])
def test_what_a_segmenter_says_outside_of_the_mask_does_not_count(normalise: str) -> None:
    made = volume(0, normalise=normalise)
    everywhere = Stub(lambda image, mask: np.full(image.shape, 0.5, np.float32), (8, 8, 8))
    assert not made.mask.all()
    np.testing.assert_allclose(predict_volume(everywhere, made), np.where(made.mask, 0.5, 0))


@pytest.mark.parametrize("normalise", ["percentile", "patch-minmax"])
@pytest.mark.parametrize(
    ("value", "message"), [(1.5, r"expected \[0, 1\]"), (np.float64(0.5), "expected float32")]
)
def test_a_prediction_is_held_to_the_contract(normalise: str, value: float, message: str) -> None:
    dtype = getattr(value, "dtype", np.float32)
    wrong = Stub(lambda image, mask: np.full(image.shape, value, dtype), (8, 8, 8))
    with pytest.raises(ContractError, match=message):
        predict_volume(wrong, volume(0, normalise=normalise))


@pytest.mark.parametrize("shape", [(11, 24, 24), (24, 13, 9), (24, 24, 10)])
def test_a_thin_volume_lies_in_a_window_as_in_a_training_patch(shape: tuple[int, ...]) -> None:
    size = (16, 16, 16)
    image = np.random.default_rng(0).uniform(-0.9, 0.9, shape).astype(np.float16)
    made = volume(0, shape, image=image, mask=np.ones(shape, bool))
    trained = image_of(VolumePatches([made], size=size, per_subject=1).take(np.array([0])))[0]
    windows = []

    def keep(image: Array, mask: Array) -> Array:
        windows.append((image, mask))
        return np.zeros(image.shape, np.float32)

    predict_volume(Stub(keep, size), replace(made, normalise="patch-minmax"))
    thin = [axis for axis in range(3) if shape[axis] < size[axis]]
    for axis in thin:
        # Along a thin axis each patch and each window holds the volume at one place.
        others = tuple(a for a in range(3) if a != axis)
        there = np.flatnonzero((trained > -1).any(others))
        for _, mask in windows:
            inside = np.flatnonzero(mask.any(others))
            assert (inside[0], inside[-1]) == (there[0], there[-1])


def test_windows_tell_how_far_they_are_and_those_within_a_window_do_not() -> None:
    made = volume(0, normalise="patch-minmax")
    told: list[tuple[int, int]] = []
    weight = np.ones((4, 4, 4), np.float32)

    def by_windows(image: Array, mask: Array) -> Array:
        return blend(lambda each, _: each * 0 + 0.5, image, mask, weight=weight, overlap=0.5)

    with watched(lambda done, of: told.append((done, of))):
        predict_volume(Stub(by_windows, (8, 8, 8)), made)
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert {of for _, of in told} == {len(told)}
    predict_volume(Stub(by_windows, (8, 8, 8)), made)
    assert told[-1] == (len(told), len(told))
