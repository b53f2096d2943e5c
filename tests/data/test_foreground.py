import numpy as np
import pytest

from vbench.data.foreground import foreground_mask


def head(value: float, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    axes = np.indices((72, 72, 32)) - np.array([36, 36, 16]).reshape(3, 1, 1, 1)
    body = np.sqrt((axes[0] / 30) ** 2 + (axes[1] / 32) ** 2 + (axes[2] / 28) ** 2) < 1
    rng = np.random.default_rng(seed)
    image = np.abs(np.where(body, 100.0, value) + rng.normal(0, noise, body.shape))
    image[34:36, 10:60, 16] += 200 * body[34:36, 10:60, 16]
    return image.astype(np.float32), body


def test_air_is_left_out_and_all_tissue_kept() -> None:
    image, body = head(value=0, noise=8)
    mask, how = foreground_mask(image)
    assert how == "derived: all but dark air"
    assert (mask[body]).all()
    assert mask.sum() < 1.35 * body.sum()


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_constant_background_is_left_out(value: float) -> None:
    image, body = head(value=0, noise=8)
    image[~body] = value
    mask, how = foreground_mask(image)
    assert how == f"derived: all but a constant background of {value:g}"
    assert mask[body].all()
    assert (mask != body).mean() < 0.01


def test_a_crop_of_tissue_is_kept_whole() -> None:
    image = np.random.default_rng(0).normal(100, 15, (30, 30, 20)).astype(np.float32)
    image[10:13, :, 5:8] += 200
    mask, how = foreground_mask(image)
    assert mask.all()
    assert "whole volume" in how


def test_dark_noise_of_few_grey_values_is_no_background() -> None:
    image = np.random.default_rng(0).poisson(0.7, (40, 40, 15)).astype(np.float32)
    image[5:8] += 50
    assert foreground_mask(image)[0].all()


def test_thin_and_constant_volumes_do_not_fail() -> None:
    assert foreground_mask(np.zeros((5, 5, 1), dtype=np.float32))[0].all()
    assert foreground_mask(np.random.default_rng(0).normal(size=(9, 1, 2)))[0].shape == (9, 1, 2)


def test_what_is_saturated_within_a_slice_is_no_background() -> None:
    image = np.random.default_rng(0).normal(100, 5, (60, 70, 1))
    image[10:16, 5:60] = 255.0
    for turned in (image, image.transpose(2, 0, 1), image.transpose(0, 2, 1)):
        assert foreground_mask(turned)[0].all()
