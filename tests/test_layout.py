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


@pytest.mark.parametrize("of", [np.asarray, torch.from_numpy])
def test_several_contrasts_lie_before_the_label(parts, of):
    images = np.stack([parts[0], -parts[0], 0 * parts[0]], axis=1)
    patches = of(layout.join_patches(images, 3 * parts[1]))
    assert tuple(patches.shape) == layout.patches_shape(6, SIZE, 3)
    np.testing.assert_array_equal(layout.image_of(patches), images.astype(np.float32))
    np.testing.assert_array_equal(layout.label_of(patches), 3 * parts[1])
    assert layout.images_shape(6, SIZE, 3) == tuple(layout.image_of(patches).shape)
    assert layout.image_channels(patches).shape[1] == 3


@pytest.mark.parametrize("of", [np.asarray, torch.from_numpy])
def test_classes_have_a_channel_each(parts, of):
    labels = np.random.default_rng(0).integers(0, 4, (6, *SIZE)).astype(np.float32)
    channels = np.asarray(layout.one_hot(of(labels), 3))
    assert channels.shape == (6, 3, *SIZE)
    assert channels.dtype == np.float32
    full = np.asarray(layout.one_hot(of(labels), 3, background=True))
    np.testing.assert_array_equal(full[:, 1:], channels)
    np.testing.assert_array_equal(full.argmax(axis=1), labels)
    np.testing.assert_array_equal(layout.one_hot(of(parts[1].astype(float)), 1)[:, 0], parts[1])


@pytest.mark.parametrize("shape", [(6, 1, *SIZE), (6, 2, 4, 3, 4), (5, 2, *SIZE)])
def test_contrasts_of_another_shape_are_refused(parts, shape):
    with pytest.raises(ValueError, match="expected one shape"):
        layout.join_patches(np.zeros(shape), parts[1])
