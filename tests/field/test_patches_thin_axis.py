"""TorchIO issue 739: 2D patches of volumes whose slices lie along another axis.

Of volumes (1, H, W), 2D patches were rows of one voxel. They lie in the plane of the slice,
wherever its thin axis is, and predictions are made in that plane.
"""

from typing import Any

import numpy as np
import pytest
from datasets import volume

from vbench.data.patches import VolumePatches
from vbench.data.predict import predict_volume
from vbench.masks.slices import across
from vbench.types import Setup

PLANE = np.random.default_rng(0).uniform(-1, 1, (30, 34)).astype(np.float16)


def slice_of(axis: int) -> Any:
    image = np.expand_dims(PLANE, axis)
    return volume(
        image=image, label=(image > 0.5).astype(np.uint8), mask=np.ones(image.shape, bool)
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_patches_are_pieces_of_the_plane(axis):
    patches = VolumePatches([slice_of(axis)], size=[12, 16], per_subject=30, seed=1)
    windows = np.lib.stride_tricks.sliding_window_view(PLANE, (12, 16)).reshape(-1, 12, 16)
    for image, label in patches.take(np.arange(30)):
        assert (windows == image.astype(np.float16)).all(axis=(1, 2)).any()
        assert ((image > 0.5) == label).all()


class Rows:
    """Predicts the mean of each row of a slice along the last axis."""

    name = "rows"
    setup = Setup(size=(12, 16))

    def predict(self, image: Any, mask: Any) -> Any:
        assert image.shape == (30, 34, 1)
        assert mask.shape == image.shape
        return np.broadcast_to(abs(image).mean(1, keepdims=True), image.shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_predictions_are_made_in_the_plane(axis):
    found = predict_volume(Rows(), slice_of(axis))  # type: ignore[arg-type]
    assert found.shape == slice_of(axis).image.shape
    np.testing.assert_allclose(found.take(0, axis)[:, 0], abs(PLANE).mean(1), rtol=1e-2)


def test_thick_volumes_stay_axial():
    assert across((300, 300, 12), (48, 48)) == 2
    assert across((40, 300, 300), (48, 48)) == 2  # most of an axial patch is volume
    assert across((5, 300, 300), (48, 48)) == 0
