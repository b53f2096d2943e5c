import numpy as np
import pytest
import torch

import vbench
from vbench import layout

SIZE = (4, 3, 5)


@pytest.fixture
def parts() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (6, *SIZE)), rng.random((6, *SIZE)) < 0.2


def test_what_is_joined_is_found_again(parts):
    patches = vbench.join_patches(*parts)
    assert patches.shape == layout.patches_shape(6, SIZE)
    assert patches.dtype == np.float32
    np.testing.assert_array_equal(vbench.image_of(patches), parts[0].astype(np.float32))
    np.testing.assert_array_equal(vbench.label_of(patches), parts[1])


@pytest.mark.parametrize("of", [np.asarray, torch.from_numpy])
def test_channels_together_are_the_patches(parts, of):
    patches = of(layout.join_patches(*parts))
    image, label = layout.image_channels(patches), layout.label_channels(patches)
    assert image.shape == (6, layout.IMAGE_CHANNELS, *SIZE)
    assert label.shape == (6, layout.LABEL_CHANNELS, *SIZE)
    both = np.concatenate([np.asarray(image), np.asarray(label)], axis=1)
    np.testing.assert_array_equal(both, np.asarray(patches))


def test_parts_are_views(parts):
    patches = layout.join_patches(*parts)
    layout.label_of(patches)[...] = 1
    layout.image_of(patches)[...] = 0
    assert patches.mean() == 1 / layout.CHANNELS


def test_parts_of_two_shapes_are_refused(parts):
    with pytest.raises(ValueError, match="expected one shape"):
        layout.join_patches(parts[0], parts[1][:, :2])
