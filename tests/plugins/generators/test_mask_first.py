from typing import Any

import numpy as np
import pytest
from vbench_plugins.generators.mask_first import MaskFirst

from vbench.testing import ToyPatches
from vbench.types import Setup

SIZE = (8, 8, 8)


def build(size: tuple[int, ...] = SIZE, **given: Any) -> MaskFirst:
    return MaskFirst(MaskFirst.Params(**{**MaskFirst.tiny, **given}), Setup(size))


def fit(method: MaskFirst) -> list[dict[str, float]]:
    patches = ToyPatches(method.setup.size)
    return [dict(p.metrics) for p in method.fit(patches, seed=0) if p.metrics]


def test_both_losses_fall_and_images_show_their_labels() -> None:
    method = build(
        steps=150, batch_size=16, lr=5e-3, label_width=8, image_width=8, fine=4,
        label_steps=8, image_steps=6,
    )  # fmt: skip
    reports = fit(method)
    for name in ("label_loss", "image_loss"):
        first, last = ([r[name] for r in part] for part in (reports[:5], reports[-20:]))
        assert np.mean(last) < 0.8 * np.mean(first), name
    made = method.sample(32, seed=0)
    image, label = made[:, 0], made[:, 1] > 0
    real = ToyPatches(SIZE).take(np.arange(24))
    assert 0.3 * real[:, 1].mean() < label.mean() < 3 * real[:, 1].mean()
    contrast = real[:, 0][real[:, 1] > 0].mean() - real[:, 0][real[:, 1] == 0].mean()
    assert image[label].mean() - image[~label].mean() > 0.5 * contrast


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", [(8, 8, 8), (16, 12)])
def test_a_resumed_fit_ends_where_an_uninterrupted_one_does(
    precision: str, size: tuple[int, ...]
) -> None:
    whole, first, second = (build(size, precision=precision, steps=4) for _ in range(3))
    fit(whole)
    steps = first.fit(ToyPatches(size), seed=0)
    next(steps), next(steps)
    second.load_state(first.state())
    steps.close()
    fit(second)
    for name, value in whole.weights().items():
        assert np.array_equal(value, second.weights()[name]), name
    assert np.array_equal(whole.sample(3, seed=1), second.sample(3, seed=1))


def test_images_work_in_the_unit_of_the_training_patches() -> None:
    method = build()
    fit(method)
    images = ToyPatches(SIZE).take(np.arange(24))[:, 0]
    mean, sd = method.weights()["moments"]
    assert mean == pytest.approx(images.mean(), abs=0.05)
    assert sd == pytest.approx(images.std(), abs=0.05)


def test_patches_without_an_even_extent_are_refused() -> None:
    with pytest.raises(ValueError, match="one extent must be even"):
        MaskFirst.check(MaskFirst.Params(), Setup((7, 9)))
